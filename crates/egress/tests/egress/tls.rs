//! Encrypted exchanges with an authority of our own (fixtures: an authority, and its certificate for `api.example`
//! that is valid from 2026 for ten years).

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tenon_egress::{Egress, EgressConfig, Error, Policy, Request};
use tenon_model::{Clock, ManualClock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::support::FakeResolver;

/// A server that answers every request on an encrypted connection; returns its port.
async fn server() -> u16 {
    server_with(None).await
}

/// The same, which lets in only who shows a certificate of the given authority.
async fn server_with(client_authority: Option<CertificateDer<'static>>) -> u16 {
    let certificate = CertificateDer::from(include_bytes!("fixtures/server.der").as_slice());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(
        include_bytes!("fixtures/server.key.der").as_slice(),
    ));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .unwrap();
    let builder = match client_authority {
        Some(authority) => {
            let mut roots = RootCertStore::empty();
            roots.add(authority).unwrap();
            let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
            builder.with_client_cert_verifier(verifier.build().unwrap())
        }
        None => builder.with_no_client_auth(),
    };
    let config = builder.with_single_cert(vec![certificate], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let mut buffer = [0; 4096];
                while stream.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                    let _ = stream
                        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret")
                        .await;
                }
            });
        }
    });
    port
}

/// The clock that certificates are judged by, at some day of this text.
fn clock(day: &str) -> Arc<dyn Clock> {
    Arc::new(ManualClock::new(Timestamp::parse_iso(day).unwrap()))
}

fn client(trusting: bool, clock: Arc<dyn Clock>) -> Egress {
    let root = CertificateDer::from(include_bytes!("fixtures/ca.der").as_slice());
    let config = EgressConfig {
        policy: Policy::permissive(),
        resolver: FakeResolver::new(vec![vec!["127.0.0.1"]]),
        extra_roots: if trusting { vec![root] } else { Vec::new() },
        ..EgressConfig::default()
    };
    Egress::with_config(config, clock).unwrap()
}

async fn code(egress: &Egress, url: String) -> &'static str {
    let error = egress.send(Request::get(&url).unwrap()).await.unwrap_err();
    assert!(matches!(error, Error::Tls { .. }), "{error:?}");
    error.code()
}

#[tokio::test]
async fn a_trusted_certificate_opens_a_connection() {
    let port = server().await;
    let egress = client(true, clock("2030-01-01T00:00:00Z"));
    for _ in 0..2 {
        let reply = egress
            .send(Request::get(&format!("https://api.example:{port}/")).unwrap())
            .await
            .unwrap();
        assert_eq!(reply.text(10).await.unwrap(), "secret");
    }
}

#[tokio::test]
async fn certificates_are_judged_by_authority_name_and_time() {
    let port = server().await;
    let now = clock("2030-01-01T00:00:00Z");
    let stranger = client(false, Arc::clone(&now));
    assert_eq!(
        code(&stranger, format!("https://api.example:{port}/")).await,
        "UNABLE_TO_VERIFY_LEAF_SIGNATURE"
    );
    let egress = client(true, now);
    assert_eq!(
        code(&egress, format!("https://other.example:{port}/")).await,
        "ERR_TLS_CERT_ALTNAME_INVALID"
    );
    let egress = client(true, clock("2050-01-01T00:00:00Z"));
    assert_eq!(
        code(&egress, format!("https://api.example:{port}/")).await,
        "CERT_HAS_EXPIRED"
    );
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_one_is_wanted() {
    let authority = CertificateDer::from(include_bytes!("fixtures/client-ca.der").as_slice());
    let port = server_with(Some(authority)).await;
    let plain = client(true, clock("2030-01-01T00:00:00Z"));
    let url = format!("https://api.example:{port}/");
    assert!(plain.send(Request::get(&url).unwrap()).await.is_err());
    let (certificate, key) = (
        include_str!("fixtures/client.pem"),
        include_str!("fixtures/client.key.pem"),
    );
    // Forms hand texts over with their line breaks escaped.
    for (certificate, key) in [
        (certificate.to_owned(), key.to_owned()),
        (certificate.replace('\n', "\\n"), key.replace('\n', "\\n")),
    ] {
        let known = plain.with_identity(&certificate, &key).unwrap();
        let reply = known.send(Request::get(&url).unwrap()).await.unwrap();
        assert_eq!(reply.text(10).await.unwrap(), "secret");
    }
    assert!(matches!(
        plain.with_identity("no certificate", key),
        Err(Error::Setup { .. })
    ));
    assert!(matches!(
        plain.with_identity(certificate, "no key"),
        Err(Error::Setup { .. })
    ));
}
