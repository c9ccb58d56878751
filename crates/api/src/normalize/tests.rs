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
        ("/Action/Trigger/", Some("/action/trigger")),
        ("/sync/Ops/VARIANT/Eu", Some("/sync/Ops/variant/Eu")),
        (
            "/integrations/Hub/Functions/Code/code",
            Some("/integrations/Hub/functions/Code/code"),
        ),
        ("/connections/METADATA", Some("/connections/metadata")),
        ("/connections/Ada", None),
        ("/v1/Records/Prune", None),
        ("/Nowhere/At/All", Some("/nowhere/At/All")),
    ] {
        assert_eq!(normalized(given).as_deref(), expected, "{given}");
    }
}
