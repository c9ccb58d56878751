//! WS-Security user name token, as a header value.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest;
use tenon_catalog::provider::Wsse;
use tenon_model::{Rng, Secret, Timestamp};

use crate::credentials::Signature;

/// Makes a new token for the user name and secret in `held`. The digest covers the *hex text* of the SHA-1, which is
/// what the vendors that use this header expect.
pub fn sign(declared: &Wsse, held: &Signature, rng: &dyn Rng, now: Timestamp) -> Signature {
    let nonce = rng.hex(16);
    let created = now.iso_millis();
    let mut context = digest::Context::new(&digest::SHA1_FOR_LEGACY_USE_ONLY);
    context.update(nonce.as_bytes());
    context.update(created.as_bytes());
    context.update(held.password.expose().as_bytes());
    let password_digest = STANDARD.encode(hex::encode(context.finish()));
    let token = format!(
        "UsernameToken Username=\"{}\", PasswordDigest=\"{password_digest}\", Nonce=\"{nonce}\", Created=\"{created}\"",
        held.username.expose()
    );
    Signature {
        token: Some(Secret::new(token)),
        expires_at: Some(now.plus(declared.lifetime)),
        ..held.clone()
    }
}
