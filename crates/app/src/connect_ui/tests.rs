//! Marks and colours.

use serde_json::json;

use super::{ConnectUiSettings, Mark, Primary, ThemeName};
use crate::environments::EnvironmentSettings;

#[test]
fn initials_are_readable() {
    for (name, expected) in [
        ("HubSpot", "HS"),
        ("HubSpot (simulator)", "HS"),
        ("Slack", "S"),
        ("Google Drive", "GD"),
        ("1Password Events", "1E"),
        ("été", "É"),
        ("<script>", "S"),
        ("…", "?"),
    ] {
        assert_eq!(Mark::of(name, "x").initials, expected, "{name}");
    }
    assert_eq!(Mark::of("A", "hubspot").colour, Mark::of("B", "hubspot").colour);
    assert!(Mark::of("HubSpot", "hubspot").svg().contains(">HS</text>"));
}

#[test]
fn ink_is_readable_on_every_colour() {
    for (colour, ink) in [
        ("#000000", "#ffffff"),
        ("#FFFFFF", "#000000"),
        ("#00B2E3", "#000000"),
        ("#0b6e4f", "#ffffff"),
        ("#767676", "#000000"),
    ] {
        assert_eq!(Primary::parse(colour).unwrap().ink, ink, "{colour}");
    }
    for bad in ["", "red", "#fff", "#12345g", "#1234567", "#+12345"] {
        assert_eq!(Primary::parse(bad), None, "{bad}");
    }
}

#[test]
fn settings_of_older_rows_are_read() {
    let old: EnvironmentSettings = serde_json::from_value(json!({ "connect_ui": null })).unwrap();
    assert_eq!(old.connect_ui, ConnectUiSettings::default());
    let own: EnvironmentSettings =
        serde_json::from_value(json!({ "connect_ui": { "primary_light": "#112233", "theme": "dark" } })).unwrap();
    assert_eq!(own.connect_ui.theme, ThemeName::Dark);
    assert_eq!(
        own.connect_ui.to_wire(),
        json!({
            "showWatermark": false,
            "defaultTheme": "dark",
            "theme": { "light": { "primary": "#112233" }, "dark": { "primary": "#00B2E3" } },
        })
    );
}
