use serde_json::json;

use super::parse;

#[test]
fn nesting_lists_and_escapes() {
    for (text, expected) in [
        ("", json!({})),
        ("a=1&b=", json!({"a": "1", "b": ""})),
        ("a=1&a=2", json!({"a": ["1", "2"]})),
        (
            "include[]=webhook&include[]=credentials",
            json!({"include": ["webhook", "credentials"]}),
        ),
        (
            "tags[team]=blue&tags[tier]=1",
            json!({"tags": {"team": "blue", "tier": "1"}}),
        ),
        ("a%5Bb%5D=c+d%20e", json!({"a": {"b": "c d e"}})),
        ("a[0]=x&a[1]=y", json!({"a": ["x", "y"]})),
        ("flag", json!({"flag": ""})),
        ("[x]=1", json!({"[x]": "1"})),
    ] {
        assert_eq!(parse(text), expected, "{text}");
    }
}
