use super::*;

#[test]
fn a_resource_covers_what_lies_below_it_at_the_same_origin() {
    let server = Url::parse("https://mcp.example.com/v1/mcp").unwrap();
    for resource in [
        "https://mcp.example.com",
        "https://mcp.example.com/",
        "https://mcp.example.com/v1/mcp",
    ] {
        assert!(covers(resource, &server), "{resource}");
    }
    for resource in [
        "https://other.example.com/v1/mcp",
        "https://mcp.example.com/v1/m",
        "http://mcp.example.com",
        "",
    ] {
        assert!(!covers(resource, &server), "{resource}");
    }
}

#[test]
fn challenges_name_metadata_and_scopes() {
    let text =
        r#"Bearer error="invalid_token", resource_metadata="https://a.example/.well-known/x", scope="read write""#;
    assert_eq!(
        parameter(text, "resource_metadata").as_deref(),
        Some("https://a.example/.well-known/x")
    );
    assert_eq!(parameter(text, "scope").as_deref(), Some("read write"));
    assert_eq!(parameter(text, "metadata"), None);
}
