use super::*;

/// Whether a server accepts the signature is proved against one that checks it (`peers/tests/auth-modes.test.mjs`).
#[test]
fn the_signature_covers_headers_query_and_body() {
    let url = Url::parse("https://iam.amazonaws.com/?Action=ListUsers&Version=2010-05-08").unwrap();
    let secret = Secret::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
    let signer = Signer {
        access_key_id: "AKIDEXAMPLE",
        secret_access_key: &secret,
        session_token: None,
        region: "us-east-1",
        service: "iam",
    };
    let now = Timestamp::parse_iso("2015-08-30T12:36:00Z").unwrap();
    let type_header = [(
        "content-type".to_owned(),
        "application/x-www-form-urlencoded; charset=utf-8".to_owned(),
    )];
    let signed = |payload: &[u8]| {
        let request = Signed {
            method: "GET",
            url: &url,
            headers: &type_header,
            payload: Some(payload),
        };
        let headers = sign(&signer, &request, now);
        let value = |name: &str| {
            let found = headers.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.expose().to_owned()).unwrap_or_default()
        };
        (value("x-amz-date"), value("authorization"))
    };
    let (date, authorization) = signed(b"");
    assert_eq!(date, "20150830T123600Z");
    assert!(authorization.starts_with(
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, \
             SignedHeaders=content-type;host;x-amz-content-sha256;x-amz-date, Signature="
    ));
    assert_ne!(signed(b"x").1, authorization);
}

#[test]
fn the_path_is_encoded_again_except_for_object_storage() {
    let url = Url::parse("https://example.com/a%20b/c:d").unwrap();
    assert_eq!(path(&url, "execute-api"), "/a%2520b/c%3Ad");
    assert_eq!(path(&url, "s3"), "/a%20b/c%3Ad");
}
