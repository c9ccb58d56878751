use super::*;

#[test]
fn names_change_and_nesting_stays() {
    for (theirs, ours) in [
        ("Bearer ${accessToken}", "Bearer ${token}"),
        (
            "${base64(${credentials.user}:${apiKey})}",
            "${base64(${cred.user}:${cred.apiKey})}",
        ),
        (
            "${hmacSha1Hex(${now:X}\n${params}, ${apiKey})}",
            "${hmac_sha1_hex(${now:X}\n${req.sorted_params}, ${cred.apiKey})}",
        ),
        ("https://${connectionConfig.a.b}/x", "https://${config.a.b}/x"),
    ] {
        assert_eq!(convert(theirs, false), ours);
    }
    assert_eq!(convert("${token}", true), "${signed_jwt}");
    assert_eq!(convert("${token}", false), "${token}");
}
