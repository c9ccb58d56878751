//! What templates render to, by table.

use serde_json::{Map, Value, json};
use tenon_model::Timestamp;

use super::{Alternatives, JsonTemplate, ParseError, RenderError, RequestParts, Scope, Template, repair_pem};

fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => panic!("{other} is no object"),
    }
}

struct World {
    config: Map<String, Value>,
    cred: Map<String, Value>,
    metadata: Map<String, Value>,
    app: Map<String, Value>,
    steps: Vec<Value>,
}

fn world() -> World {
    World {
        config: map(json!({
            "subdomain": "acme", "empty": "", "port": 8080, "on": true, "list": [1],
            "installation.uuid": "u-1", "nested": { "deep": "value" }, "strange": "a b/c?d",
            "host": "api.acme.example", "evil": "acme.example/x?y=@evil.example", "evil2": "good.example@evil.example",
            "url": "https://acme.example:8443/base",
        })),
        cred: map(json!({ "apiKey": "k-1", "username": "ann", "password": "p:w", "id": "AKID", "secret": "SECRET" })),
        metadata: map(json!({ "team": "blue" })),
        app: map(json!({ "client_id": "cid", "client_secret": "cs" })),
        steps: vec![
            json!({ "rest": { "url": "https://one.example" } }),
            json!({ "items": ["x", "y"] }),
        ],
    }
}

fn scope(world: &World) -> Scope<'_> {
    Scope {
        config: Some(&world.config),
        cred: Some(&world.cred),
        metadata: Some(&world.metadata),
        app: Some(&world.app),
        token: Some("tok"),
        signed_jwt: Some("jwt"),
        refresh_token: Some("rt"),
        steps: &world.steps,
        user_agent: "tenon",
        // 2024-05-01T10:00:00.123Z, a Wednesday
        ..Scope::new(
            Timestamp::from_millis(1_714_557_600_123),
            "3f2b8f0e-0000-4000-8000-000000000001",
        )
    }
}

fn render(template: &str) -> String {
    let world = world();
    match Template::parse(template) {
        Ok(template) => template
            .render(&scope(&world))
            .unwrap_or_else(|error| format!("! {error}")),
        Err(error) => format!("!! {error}"),
    }
}

#[test]
fn values_come_from_where_they_belong() {
    let cases = [
        ("plain", "plain"),
        ("", ""),
        ("$ {x} $x }", "$ {x} $x }"),
        ("https://${config.subdomain}.example", "https://acme.example"),
        ("${connectionConfig.subdomain}", "acme"),
        ("${config.port}/${config.on}", "8080/true"),
        ("${config.installation.uuid} ${config.nested.deep}", "u-1 value"),
        ("[${config.empty}]", "[]"),
        ("${cred.apiKey}=${apiKey}=${credentials.apiKey}", "k-1=k-1=k-1"),
        (
            "Bearer ${token}, ${accessToken}, ${access_token}",
            "Bearer tok, tok, tok",
        ),
        ("${metadata.team}", "blue"),
        ("${app.client_id} ${clientId} ${clientSecret}", "cid cid cs"),
        ("${signed_jwt} ${refresh_token}", "jwt rt"),
        (
            "${uuid} ${random}",
            "3f2b8f0e-0000-4000-8000-000000000001 3f2b8f0e-0000-4000-8000-000000000001",
        ),
        ("${step1.rest.url}/${step2.items.1}", "https://one.example/y"),
        ("${username}", "ann"),
        ("${subdomain}", "acme"),
        ("${platform_user_agent}", "tenon"),
        ("${endpoint}", ""),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn what_is_missing_is_named() {
    let cases = [
        ("${config.nope}", "! no value for config.nope"),
        ("${config.list}", "! no value for config.list"),
        (
            "${connectionConfig.a}/${credentials.b}",
            "! no value for config.a, cred.b",
        ),
        ("${base64(${cred.nope}:x)}", "! no value for cred.nope"),
        ("${step3.x}", "! no value for step3.x"),
        ("${req.method}", "! no value for req.method"),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn what_does_not_parse_is_explained() {
    let parse = |text: &str| Template::parse(text).err();
    assert!(matches!(parse("${config.x"), Some(ParseError::Open(_))));
    assert_eq!(parse("a${}"), Some(ParseError::Empty));
    assert_eq!(parse("${a/b}"), Some(ParseError::Name("a/b".to_owned())));
    assert_eq!(parse("${req.nope}"), Some(ParseError::Name("req.nope".to_owned())));
    assert_eq!(parse("${md5(x)}"), Some(ParseError::Function("md5".to_owned())));
    assert!(matches!(parse("${base64(x}"), Some(ParseError::Open(_))));
    assert!(matches!(
        parse("${hmac_sha1_hex(x)}"),
        Some(ParseError::Arguments { .. })
    ));
    assert!(matches!(
        parse("${aws_sigv4_header(a,b,c)}"),
        Some(ParseError::Arguments { .. })
    ));
    assert!(matches!(parse("${now+x:days}"), Some(ParseError::Moment(_))));
    assert!(matches!(parse("${now+1:fortnights}"), Some(ParseError::Moment(_))));
    let deep = format!("{}x{}", "${base64(".repeat(40), ")}".repeat(40));
    assert_eq!(parse(&deep), Some(ParseError::Depth));
}

#[test]
fn text_of_callers_is_taken_leniently() {
    let world = world();
    let keep = |text: &str| Template::fill_in(text, &scope(&world));
    assert_eq!(keep("/a/${connectionConfig.subdomain}/b"), "/a/acme/b");
    assert_eq!(keep("/a/${connectionConfig.nope}/b"), "/a/${connectionConfig.nope}/b");
    assert_eq!(
        keep("/a/${credentials.nope}/${cred.nope}"),
        "/a/${credentials.nope}/${cred.nope}"
    );
    assert_eq!(keep("/a/${unclosed"), "/a/${unclosed");
    assert_eq!(keep("/${md5(x)}/${}"), "/${md5(x)}/${}");
    assert_eq!(keep("100%/$filter=${a b}"), "100%/$filter=${a b}");
}

#[test]
fn moments_follow_the_tokens() {
    let cases = [
        ("${now}", "2024-05-01T10:00:00.123Z"),
        ("${now:YYYY-MM-DDTHH:mm:ss}", "2024-05-01T10:00:00"),
        ("${now:YYYYMMDDTHHmmss[Z]}", "20240501T100000Z"),
        ("${now:ddd, DD MMM YYYY HH:mm:ss ZZ}", "Wed, 01 May 2024 10:00:00 +0000"),
        ("${now:X} ${now:x}", "1714557600 1714557600123"),
        ("${now+1:minutes:X}", "1714557660"),
        ("${now+7:days:YYYY-MM-DD}", "2024-05-08"),
        ("${now-1:month:YYYY-MM-DD}", "2024-04-01"),
        ("${now+1:days}", "2024-05-02T10:00:00.123Z"),
        ("${now:dddd D MMMM YY h:mm a SSS}", "Wednesday 1 May 24 10:00 am 123"),
        ("${now+9223372036854775807:years:YYYY}", "2024"),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
}

#[test]
fn functions_compute_what_they_say() {
    let cases = [
        (
            "Basic ${base64(${cred.username}:${cred.password})}",
            "Basic YW5uOnA6dw==",
        ),
        // The example digests of FIPS 180-4 and RFC 2202.
        (
            "${sha256_hex(abc)}",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ),
        ("${sha256Base64(abc)}", "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0="),
        (
            "${hmac_sha1_hex(what do ya want for nothing?, Jefe)}",
            "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79",
        ),
        (
            "${base64(a:${sha256_hex(${base64(abc)})})}",
            "YTozNWQ5NTY5NGQzZjE2MDIxNWRiMjkzYzc4OTlkYWE1OTA3ODM3ODM4ZmI0YjgxMTllZDcxM2UzMjQ0NmMxMjY2",
        ),
    ];
    for (template, expected) in cases {
        assert_eq!(render(template), expected, "{template}");
    }
    assert!(render("${ed25519_base64(message, not a key)}").starts_with("! ed25519_base64 failed"));
    assert!(render("${spki_sha256_fingerprint(nothing)}").starts_with("! spki_sha256_fingerprint failed"));
}

#[test]
fn fingerprints_are_those_of_the_public_key() {
    // Made with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`; the digest with
    // `openssl pkey -pubout -outform DER | openssl dgst -sha256 -binary | base64`.
    let key = include_str!("testdata/p256.pem");
    let digest = include_str!("testdata/p256.spki.sha256").trim();
    let rsa = include_str!("testdata/rsa.pem");
    let rsa_digest = include_str!("testdata/rsa.spki.sha256").trim();
    for (key, digest) in [(key, digest), (rsa, rsa_digest)] {
        for pasted in [key.to_owned(), key.replace('\n', "\\n"), key.replace('\n', " ")] {
            let cred = map(json!({ "privateKey": pasted }));
            let scope = Scope {
                cred: Some(&cred),
                ..Scope::new(Timestamp::from_secs(0), "u")
            };
            let template = Template::parse("${fingerprint(${credentials.privateKey})}").expect("parses");
            assert_eq!(template.render(&scope), Ok(format!("SHA256:{digest}")));
        }
    }
}

#[test]
fn thumbprints_are_those_of_the_certificate() {
    // Made with `openssl req -x509 -newkey rsa:2048 -nodes`; the digest with
    // `openssl x509 -outform DER | openssl dgst -sha1 -binary | basenc --base64url`.
    let certificate = include_str!("testdata/certificate.pem");
    let digest = include_str!("testdata/certificate.x5t").trim();
    let template = Template::parse("${certificate_thumbprint(${cred.certificate})}").expect("parses");
    let thumbprint = |pem: &str| {
        let cred = map(json!({ "certificate": pem }));
        template.render(&Scope {
            cred: Some(&cred),
            ..Scope::new(Timestamp::from_secs(0), "u")
        })
    };
    for pasted in [certificate.to_owned(), certificate.replace('\n', "\\n")] {
        assert_eq!(thumbprint(&pasted), Ok(digest.to_owned()));
    }
    let refused = thumbprint(include_str!("testdata/rsa.pem")).expect_err("a key is no certificate");
    assert!(refused.to_string().contains("not a certificate"), "{refused}");
}

#[test]
fn a_signature_covers_the_request() {
    let world = world();
    let query = [("b".to_owned(), "2 3".to_owned()), ("a".to_owned(), "1".to_owned())];
    let request = RequestParts {
        method: "GET",
        host: "iam.amazonaws.com",
        path: "/",
        endpoint: "/",
        query: &query,
        ..RequestParts::default()
    };
    let scope = Scope {
        request: Some(request),
        ..scope(&world)
    };
    let template =
        Template::parse("${awsSigV4(${credentials.id}, ${credentials.secret}, us-east-1, iam)}").expect("parses");
    let signed = template.render(&scope).expect("renders");
    let start = "AWS4-HMAC-SHA256 Credential=AKID/20240501/us-east-1/iam/aws4_request, SignedHeaders=host;x-amz-date, Signature=";
    assert!(signed.starts_with(start), "{signed}");
    assert_eq!(signed.len(), start.len() + 64);
    let params = Template::parse("${req.method} ${req.host} ${req.path} ${params}").expect("parses");
    assert_eq!(
        params.render(&scope),
        Ok("GET iam.amazonaws.com / a=1&b=2%203".to_owned())
    );
}

#[test]
fn urls_keep_their_host() {
    let world = world();
    let scope = scope(&world);
    let url = |text: &str| Template::parse(text).expect("parses").render_url(&scope);
    let base = |text: &str| Template::parse(text).expect("parses").render_base_url(&scope);
    assert_eq!(
        url("https://${config.host}/a/${config.strange}"),
        Ok("https://api.acme.example/a/a%20b%2Fc%3Fd".to_owned())
    );
    assert_eq!(
        base("https://${config.host}/a/${config.port}"),
        Ok("https://api.acme.example/a/8080".to_owned())
    );
    assert_eq!(
        base("${config.url}/api"),
        Ok("https://acme.example:8443/base/api".to_owned())
    );
    assert!(matches!(
        base("https://${config.evil}/a"),
        Err(RenderError::Unsafe { .. })
    ));
    assert!(matches!(
        url("https://${config.evil2}.acme.example/a"),
        Err(RenderError::Unsafe { .. })
    ));
    assert!(matches!(
        url("https://${config.empty}.acme.example/a"),
        Err(RenderError::Missing(_))
    ));
}

#[test]
fn the_first_complete_alternative_wins() {
    let world = world();
    let scope = scope(&world);
    let choose = |text: &str| Alternatives::parse(text).expect("parses").render_url(&scope);
    assert_eq!(
        choose("https://${config.nope}/a || https://fixed.example/a"),
        Ok("https://fixed.example/a".to_owned())
    );
    assert_eq!(
        choose("https://${config.empty}/a || https://fixed.example/a"),
        Ok("https://fixed.example/a".to_owned())
    );
    assert_eq!(
        choose("https://${config.host}/a||https://fixed.example/a"),
        Ok("https://api.acme.example/a".to_owned())
    );
    assert!(choose("${config.nope} || ${config.none}").is_err());
    let header = Alternatives::parse("${config.empty} || 2025-01-01").expect("parses");
    assert_eq!(header.render(&scope), Ok("2025-01-01".to_owned()));
}

#[test]
fn bodies_nest_and_leave_out_what_has_no_value() {
    let world = world();
    let body = json!({
        "a": "${config.subdomain}", "n": 1, "gone": "${config.nope}",
        "inner": { "list": ["${cred.username}", true], "gone": "${cred.nope}" },
        "choice": { "first_of": ["${config.empty}", "fallback"] },
    });
    let template = JsonTemplate::parse(&body).expect("parses");
    let rendered = template.render(&scope(&world)).expect("renders");
    assert_eq!(
        rendered,
        json!({ "a": "acme", "n": 1, "inner": { "list": ["ann", true] }, "choice": "fallback" })
    );
    assert_eq!(
        template.to_wire()["choice"],
        json!("${connectionConfig.empty} || fallback")
    );
}

#[test]
fn the_older_spelling_is_written_back() {
    let cases = [
        (
            "${config.a}${cred.b}${cred.apiKey}",
            "${connectionConfig.a}${credentials.b}${apiKey}",
        ),
        (
            "${token}${signed_jwt}${assertion}",
            "${accessToken}${token}${credentials.assertion}",
        ),
        (
            "${uuid}${now:X}${now+1:minutes:X}",
            "${random}${now:X}${now+1:minutes:X}",
        ),
        (
            "${app.client_id}${once.k}${session_cookies}",
            "${clientId}${assertionOption.k}${credentials._cookies}",
        ),
        (
            "${base64(${cred.u}:${cred.p})}",
            "${base64(${credentials.u}:${credentials.p})}",
        ),
        (
            "${spki_sha256_fingerprint(${cred.k})}",
            "${fingerprint(${credentials.k})}",
        ),
        (
            "${req.method}${req.sorted_params}${req.body}",
            "${method}${params}${bodyCanonicalParams}",
        ),
        (
            "${aws_sigv4_header(${cred.id}, b, c, d)}",
            "${awsSigV4(${credentials.id}, b, c, d)}",
        ),
    ];
    for (ours, older) in cases {
        assert_eq!(Template::parse(ours).expect("parses").to_wire(), older);
    }
}

#[test]
fn keys_are_repaired() {
    let whole = "-----BEGIN PRIVATE KEY-----\nTUlJRQ==\n-----END PRIVATE KEY-----\n";
    for pasted in [
        whole,
        "-----BEGIN PRIVATE KEY-----\\nTUlJRQ==\\n-----END PRIVATE KEY-----",
        " TUlJ RQ== ",
    ] {
        assert_eq!(repair_pem(pasted, "PRIVATE KEY").as_deref(), Ok(whole));
    }
    assert!(repair_pem("not a key!", "PRIVATE KEY").is_err());
    assert!(repair_pem("", "PRIVATE KEY").is_err());
}

proptest::proptest! {
    #[test]
    fn parsing_never_panics(text in "\\PC*") {
        let _ = Template::parse(&text);
        let lenient = Template::lenient(&text);
        let world = world();
        let _ = lenient.render(&scope(&world));
        let _ = lenient.render_url(&scope(&world));
    }

    #[test]
    fn parsing_almost_templates_never_panics(
        text in "(\\$\\{|\\}|\\)|\\(|,|config\\.|cred\\.|base64\\(|now|\\+|:|step1\\.|hmac_sha1_hex\\(|awsSigV4\\(|days|[a-z ]|ü){0,40}"
    ) {
        let world = world();
        let lenient = Template::lenient(&text);
        let _ = lenient.render(&scope(&world));
        let _ = lenient.to_wire();
        if let Ok(template) = Template::parse(&text) {
            let _ = template.render(&scope(&world));
            // What we write out means the same when it is read again, unless it names a token exchange's own token.
            let _ = Template::lenient(&template.to_wire());
        }
    }

    #[test]
    fn text_without_placeholders_is_itself(text in "[^$]*") {
        let template = Template::parse(&text).expect("text parses");
        let world = world();
        proptest::prop_assert_eq!(template.render(&scope(&world)), Ok(text));
    }
}
