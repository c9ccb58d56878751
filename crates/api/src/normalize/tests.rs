use super::normalized;

#[test]
fn paths_become_uniform() {
    for (given, expected) in [
        ("/records/", Some("/records")),
        ("/Providers/GitHub", Some("/providers/GitHub")),
        ("/records", None),
        ("/proxy/Users/", None),
        ("/PROXY/Users/", Some("/proxy/Users/")),
        ("/", None),
        ("/connect/session//", Some("/connect/session")),
    ] {
        assert_eq!(normalized(given).as_deref(), expected, "{given}");
    }
}
