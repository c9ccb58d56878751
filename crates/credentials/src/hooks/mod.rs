//! Named behaviours around a connection's life: what an entry asks for with `hooks = { … }` and data cannot say.

pub mod after_connect;
pub mod before_delete;
pub mod verify;

use ring::digest;

/// A mail address as it may be stored for matching pushes: a digest under a fixed context, so that the address itself
/// is nowhere.
pub fn email_address_hash(address: &str) -> String {
    let normalised = address.trim().to_lowercase();
    hex::encode(digest::digest(
        &digest::SHA256,
        format!("google-email-address:{normalised}").as_bytes(),
    ))
}
