//! How an environment wants its Connect UI to look.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Colour that the public contract reports when nothing was chosen.
const CONTRACT_PRIMARY: &str = "#00B2E3";

/// Light, dark, or what the device prefers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ThemeName {
    /// Always light.
    Light,
    /// Always dark.
    Dark,
    /// As the device prefers.
    #[default]
    System,
}

impl ThemeName {
    /// The theme with this name.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "light" => Some(Self::Light),
            "dark" => Some(Self::Dark),
            "system" => Some(Self::System),
            _ => None,
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Light => "light",
            Self::Dark => "dark",
            Self::System => "system",
        }
    }
}

/// Settings of the Connect UI in one environment. Everything is optional; what is absent stays neutral.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ConnectUiSettings {
    /// Colour of buttons on light surfaces, `#rrggbb`.
    pub primary_light: Option<String>,
    /// Colour of buttons on dark surfaces, `#rrggbb`.
    pub primary_dark: Option<String>,
    /// Theme unless the page is opened with another.
    pub theme: ThemeName,
    /// `https:` address of the product's logo.
    pub logo_url: Option<String>,
    /// Name of the product, shown beside the logo.
    pub product_name: Option<String>,
}

/// A colour and the ink that is readable on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Primary {
    /// `#rrggbb`.
    pub colour: String,
    /// `#000000` or `#ffffff`, whichever has the higher contrast.
    pub ink: &'static str,
}

impl Primary {
    /// A colour with its ink; `None` when the text is not `#rrggbb`.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = |digits: &&str| digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let digits = text.strip_prefix('#').filter(hex)?;
        let value = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = value.to_be_bytes();
        let luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
        let on_white = 1.05 / (luminance + 0.05);
        let on_black = (luminance + 0.05) / 0.05;
        Some(Self {
            colour: format!("#{}", digits.to_ascii_lowercase()),
            ink: if on_black >= on_white { "#000000" } else { "#ffffff" },
        })
    }
}

/// One channel of sRGB as light.
fn linear(channel: u8) -> f64 {
    let share = f64::from(channel) / 255.0;
    if share <= 0.04045 {
        share / 12.92
    } else {
        ((share + 0.055) / 1.055).powf(2.4)
    }
}

impl ConnectUiSettings {
    /// As the public contract shows them in a connect session.
    pub fn to_wire(&self) -> Value {
        let colour = |own: &Option<String>| own.as_deref().unwrap_or(CONTRACT_PRIMARY).to_owned();
        json!({
            "showWatermark": false,
            "defaultTheme": self.theme.as_str(),
            "theme": {
                "light": { "primary": colour(&self.primary_light) },
                "dark": { "primary": colour(&self.primary_dark) },
            },
        })
    }
}
