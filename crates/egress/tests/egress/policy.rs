//! Where calls may go.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::support::{FakeResolver, Server, ok, redirect, with};
use tenon_egress::{AddressClass, EgressConfig, Error, Policy, RefusedReason, Request, classify};

fn allowed(policy: &Policy, url: &str) -> bool {
    policy.check_url(&url.parse().unwrap()).is_ok()
}

#[test]
fn addresses_are_what_they_are_in_every_disguise() {
    use AddressClass::{LinkLocal, Loopback, Private, Public, Reserved};
    let cases = [
        ("8.8.8.8", Public),
        ("2606:4700::1111", Public),
        ("127.0.0.1", Loopback),
        ("127.9.9.9", Loopback),
        ("0.0.0.0", Loopback),
        ("::1", Loopback),
        ("::", Loopback),
        ("10.0.0.1", Private),
        ("172.16.0.1", Private),
        ("172.32.0.1", Public),
        ("192.168.1.1", Private),
        ("100.64.0.1", Private),
        ("100.128.0.1", Public),
        ("169.254.169.254", LinkLocal),
        ("fe80::1", LinkLocal),
        ("fd00:ec2::254", Private),
        ("fec0::1", Private),
        ("::ffff:127.0.0.1", Loopback),
        ("::ffff:169.254.169.254", LinkLocal),
        ("::ffff:8.8.8.8", Public),
        ("::127.0.0.1", Loopback),
        ("::ffff:0:10.0.0.1", Private),
        ("64:ff9b::10.0.0.1", Private),
        ("64:ff9b::8.8.8.8", Public),
        ("64:ff9b:1::1", Private),
        ("2002:7f00:1::", Loopback),
        ("2002:a9fe:a9fe::", LinkLocal),
        ("2001:0:1::1", Private),
        ("2001:db8::1", Reserved),
        ("3fff::1", Reserved),
        ("192.0.0.1", Reserved),
        ("192.0.2.1", Reserved),
        ("198.18.0.1", Reserved),
        ("198.51.100.1", Reserved),
        ("203.0.113.1", Reserved),
        ("224.0.0.1", Reserved),
        ("240.0.0.1", Reserved),
        ("255.255.255.255", Reserved),
        ("ff02::1", Reserved),
        ("100::1", Reserved),
    ];
    for (address, class) in cases {
        assert_eq!(classify(address.parse::<IpAddr>().unwrap()), class, "{address}");
    }
}

#[test]
fn literal_hosts_are_judged_in_every_notation() {
    let strict = Policy::default();
    for url in [
        "http://127.0.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0177.0.0.1/",
        "http://127.1/",
        "http://[::1]/",
        "http://[::ffff:7f00:1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
        "http://169.254.169.254/latest/meta-data",
        "http://metadata.google.internal/",
        "http://10.0.0.1/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://user:pass@127.0.0.1/",
    ] {
        assert!(!allowed(&strict, url), "{url}");
    }
    for url in ["https://example.com/", "http://8.8.8.8/", "https://[2606:4700::1111]/"] {
        assert!(allowed(&strict, url), "{url}");
    }
    let open = Policy::permissive();
    assert!(allowed(&open, "http://127.0.0.1:3000/") && allowed(&open, "http://localhost/"));
    for url in [
        "http://169.254.169.254/",
        "http://metadata.google.internal/",
        "http://224.0.0.1/",
    ] {
        assert!(!allowed(&open, url), "{url}");
    }
}

#[test]
fn hosts_are_allowed_and_denied_by_name() {
    let policy = Policy {
        allow_hosts: vec![
            "intranet.example".to_owned(),
            "*.corp.example".to_owned(),
            "10.1.2.3".to_owned(),
        ],
        deny_hosts: vec!["evil.example".to_owned(), "*.evil.example".to_owned()],
        ..Policy::default()
    };
    assert!(allowed(&policy, "http://10.1.2.3/") && !allowed(&policy, "http://10.1.2.4/"));
    assert!(!allowed(&policy, "https://evil.example/") && !allowed(&policy, "https://A.EVIL.example./"));
    assert!(allowed(&policy, "https://notevil.example/"));
    assert!(allowed(&policy, "https://a.corp.example/"));
}

#[tokio::test]
async fn a_name_that_resolves_to_the_inside_is_refused() {
    for answers in [
        vec!["10.0.0.1"],
        vec!["8.8.8.8", "127.0.0.1"],
        vec!["::ffff:169.254.169.254"],
    ] {
        let resolver = FakeResolver::new(vec![answers.clone()]);
        let egress = with(EgressConfig {
            resolver,
            ..EgressConfig::default()
        });
        let error = egress
            .send(Request::get("http://rebind.example/").unwrap())
            .await
            .unwrap_err();
        assert!(
            matches!(
                error,
                Error::Refused {
                    reason: RefusedReason::Address,
                    ..
                }
            ),
            "{answers:?}: {error:?}"
        );
    }
}

#[tokio::test]
async fn the_judged_address_is_the_one_that_is_used() {
    let server = Server::start(|_| ok("inside")).await;
    // The name would resolve to something else when asked again; it is not asked again.
    let resolver = FakeResolver::new(vec![vec!["127.0.0.1"], vec!["192.0.2.1"]]);
    let config = EgressConfig {
        policy: Policy::permissive(),
        resolver: Arc::clone(&resolver) as _,
        ..EgressConfig::default()
    };
    let egress = with(config);
    let url = format!("http://pinned.example:{}/", server.address.port());
    for _ in 0..3 {
        let reply = egress.send(Request::get(&url).unwrap()).await.unwrap();
        assert_eq!(reply.text(10).await.unwrap(), "inside");
    }
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 1);
    assert_eq!(
        server.seen()[0].header("host"),
        Some(format!("pinned.example:{}", server.address.port()).as_str())
    );
}

#[tokio::test]
async fn every_hop_is_judged() {
    let server = Server::start(|_| redirect("302 Found", "http://169.254.169.254/latest/meta-data")).await;
    let error = crate::support::permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
    let server = Server::start(|_| redirect("302 Found", "file:///etc/passwd")).await;
    let error = crate::support::permissive()
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                reason: RefusedReason::Scheme,
                ..
            }
        ),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_request_can_be_limited_to_some_hosts() {
    let server = Server::start(|_| redirect("302 Found", "http://localhost:1/")).await;
    let mut request = Request::get(&server.url("/")).unwrap();
    request.allowed_hosts = Some(Arc::from(["127.0.0.1".to_owned()]));
    let error = crate::support::permissive().send(request).await.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Refused {
                reason: RefusedReason::NotAllowed,
                ..
            }
        ),
        "{error:?}"
    );
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_lenient_policy_lends_no_connection_to_a_strict_one() {
    let server = Server::start(|_| ok("hi")).await;
    let lenient = crate::support::permissive();
    lenient
        .send(Request::get(&server.url("/")).unwrap())
        .await
        .unwrap()
        .bytes(10)
        .await
        .unwrap();
    let strict = lenient.with_policy(Policy::default());
    let error = strict.send(Request::get(&server.url("/")).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Refused { .. }), "{error:?}");
}
