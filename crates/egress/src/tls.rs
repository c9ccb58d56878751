//! TLS towards providers: rustls with ring, the Mozilla roots compiled in, and the operator's own roots.
//!
//! Compiled-in roots make the binary work in an empty container; a company's private authority is added by setting.

use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, RootCertStore};
use tenon_model::Clock;

use crate::error::Error;

/// The clock that certificates are judged by.
#[derive(Debug)]
struct CertificateTime(Arc<dyn Clock>);

impl TimeProvider for CertificateTime {
    fn current_time(&self) -> Option<UnixTime> {
        let micros = u64::try_from(self.0.now().0).ok()?;
        Some(UnixTime::since_unix_epoch(Duration::from_micros(micros)))
    }
}

/// A certificate with its chain, and the key that belongs to it.
pub(crate) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads an identity from PEM texts. Line breaks may be escaped, as they are when a key travelled through a form.
pub(crate) fn identity(certificate: &str, private_key: &str) -> Result<Identity, Error> {
    let setup = |source: pem::Error| Error::Setup { source: source.into() };
    let (certificate, private_key) = (certificate.replace("\\n", "\n"), private_key.replace("\\n", "\n"));
    let chain = CertificateDer::pem_slice_iter(certificate.as_bytes())
        .collect::<Result<Vec<_>, _>>()
        .map_err(setup)?;
    if chain.is_empty() {
        return Err(Error::Setup {
            source: "the client certificate is not PEM".into(),
        });
    }
    let key = PrivateKeyDer::from_pem_slice(private_key.as_bytes()).map_err(setup)?;
    Ok((chain, key))
}

/// The client configuration that every connection shares.
pub(crate) fn config(
    clock: Arc<dyn Clock>,
    extra_roots: &[CertificateDer<'static>],
    identity: Option<Identity>,
) -> Result<ClientConfig, Error> {
    let setup = |source: rustls::Error| Error::Setup { source: source.into() };
    let mut roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    for root in extra_roots {
        roots.add(root.clone()).map_err(setup)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_details(provider, Arc::new(CertificateTime(clock)))
        .with_safe_default_protocol_versions()
        .map_err(setup)?
        .with_root_certificates(roots);
    let mut config = match identity {
        Some((chain, key)) => builder.with_client_auth_cert(chain, key).map_err(setup)?,
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
