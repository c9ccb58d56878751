//! Envelope encryption: a master key seals one data key per environment, data keys seal values.
//!
//! A sealed value carries the id of its data key, and is bound to the place it was written for: `place` (for example
//! `connections.credentials/1/42`) is authenticated together with the text, so a ciphertext copied into another row,
//! column or environment does not open. Rotating the master key re-seals data keys only ([`Vault::reseal`]); rotating
//! a data key adds a new one, and values written with older ones stay readable for as long as those are known.
//!
//! The random 96-bit nonce limits one data key to 2^32 values (NIST SP 800-38D §8.3); an environment that comes near
//! that is given a further data key.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest;
use tenon_model::{EnvironmentId, Rng};
use zeroize::{Zeroize, Zeroizing};

/// First byte of every sealed value; another layout would get another number.
const FORMAT: u8 = 1;
const KEY_ID_LEN: usize = 8;
const HEADER_LEN: usize = 1 + KEY_ID_LEN + NONCE_LEN;
const KEY_LEN: usize = 32;
/// The data key's own place: binds the sealed key to its environment.
const DATA_KEY_PLACE: &str = "data_keys.sealed";

/// What can go wrong when sealing and opening. No variant carries any of the text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Master keys are exactly 32 bytes.
    #[error("master key must be 32 bytes, got {0}")]
    MasterKeyLength(usize),
    /// The bytes are no sealed value at all.
    #[error("value is not sealed")]
    NotSealed,
    /// The value was written with a key that this process does not hold.
    #[error("sealed value was written with unknown key {0}")]
    UnknownKey(KeyTag),
    /// Wrong key, changed bytes, or a value that belongs to another place.
    #[error("sealed value does not belong to {place}")]
    Refused {
        /// Where the value was read from.
        place: String,
    },
}

/// Names a key without revealing it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyTag([u8; KEY_ID_LEN]);

impl KeyTag {
    /// The tag as lower-case hex, as it is stored beside sealed data keys.
    pub fn to_hex(self) -> String {
        hex::encode(self.0)
    }
}

impl std::fmt::Display for KeyTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.to_hex())
    }
}

impl std::fmt::Debug for KeyTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyTag({self})")
    }
}

/// An AES-256 key with its tag.
struct Key {
    tag: KeyTag,
    cipher: LessSafeKey,
}

impl Key {
    fn new(bytes: &[u8], purpose: &str) -> Result<Self, Error> {
        let unbound = UnboundKey::new(&AES_256_GCM, bytes).map_err(|_| Error::MasterKeyLength(bytes.len()))?;
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(purpose.as_bytes());
        context.update(bytes);
        let mut tag = [0; KEY_ID_LEN];
        for (to, from) in tag.iter_mut().zip(context.finish().as_ref()) {
            *to = *from;
        }
        Ok(Self {
            tag: KeyTag(tag),
            cipher: LessSafeKey::new(unbound),
        })
    }

    fn seal(&self, rng: &dyn Rng, place: &str, plain: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = Vec::with_capacity(HEADER_LEN + plain.len() + AES_256_GCM.tag_len());
        sealed.push(FORMAT);
        sealed.extend_from_slice(&self.tag.0);
        sealed.extend_from_slice(&nonce);
        let mut text = Zeroizing::new(Vec::with_capacity(plain.len() + AES_256_GCM.tag_len()));
        text.extend_from_slice(plain);
        // Fails only for texts beyond 64 GiB, which no caller can hold in memory; an empty value never opens.
        if self
            .cipher
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.as_bytes()),
                &mut *text,
            )
            .is_err()
        {
            return Vec::new();
        }
        sealed.extend_from_slice(&text);
        sealed
    }

    fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let refused = || Error::Refused {
            place: place.to_owned(),
        };
        let nonce = sealed.get(1 + KEY_ID_LEN..HEADER_LEN).ok_or(Error::NotSealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Error::NotSealed)?;
        let mut text = Zeroizing::new(sealed.get(HEADER_LEN..).ok_or(Error::NotSealed)?.to_vec());
        let length = self
            .cipher
            .open_in_place(nonce, Aad::from(place.as_bytes()), &mut text)
            .map_err(|_| refused())?
            .len();
        text.truncate(length);
        Ok(text)
    }
}

fn tag_of(sealed: &[u8]) -> Result<KeyTag, Error> {
    if sealed.first() != Some(&FORMAT) || sealed.len() < HEADER_LEN + AES_256_GCM.tag_len() {
        return Err(Error::NotSealed);
    }
    let mut tag = [0; KEY_ID_LEN];
    for (to, from) in tag.iter_mut().zip(sealed.iter().skip(1)) {
        *to = *from;
    }
    Ok(KeyTag(tag))
}

/// The key that seals data keys. Where it comes from (file, environment, command) is the caller's affair.
pub struct MasterKey(Key);

impl MasterKey {
    /// Takes 32 bytes and wipes them.
    ///
    /// # Errors
    /// [`Error::MasterKeyLength`] for any other length.
    pub fn new(mut bytes: Vec<u8>) -> Result<Self, Error> {
        let key = Key::new(&bytes, "tenon master key");
        bytes.zeroize();
        key.map(Self)
    }

    /// Which master key this is, safe to store and to log.
    pub fn tag(&self) -> KeyTag {
        self.0.tag
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "MasterKey({})", self.0.tag)
    }
}

/// A data key as it is stored: only the master key named by `master` opens it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedDataKey {
    /// Tag of the master key that sealed it, in hex.
    pub master: String,
    /// The sealed 32 bytes.
    pub bytes: Vec<u8>,
}

/// Holds the master keys, and the data keys of the environments seen so far. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    /// The first one seals; the others only open data keys that were not re-sealed yet.
    masters: Vec<MasterKey>,
    environments: RwLock<HashMap<EnvironmentId, EnvironmentVault>>,
    rng: Arc<dyn Rng>,
}

impl Vault {
    /// A vault that seals with `master` and can still open what `previous` keys sealed.
    pub fn new(master: MasterKey, previous: Vec<MasterKey>, rng: Arc<dyn Rng>) -> Self {
        let mut masters = vec![master];
        masters.extend(previous);
        Self(Arc::new(Inner {
            masters,
            environments: RwLock::default(),
            rng,
        }))
    }

    /// The tag of the master key that seals, in hex.
    pub fn master_tag(&self) -> String {
        self.0
            .masters
            .first()
            .map(|master| master.tag().to_hex())
            .unwrap_or_default()
    }

    /// Whether the master key with this tag is the current one or among the earlier ones.
    pub fn knows_master(&self, tag: &str) -> bool {
        self.0.masters.iter().any(|master| master.tag().to_hex() == tag)
    }

    /// Makes a new data key for an environment. The caller stores it, and hands it to [`Vault::unlock`] once it is
    /// durable; a key that was never stored must not seal anything.
    pub fn create_data_key(&self, environment: EnvironmentId) -> SealedDataKey {
        let mut key = Zeroizing::new([0; KEY_LEN]);
        self.0.rng.fill(&mut *key);
        self.seal_data_key(environment, &*key)
    }

    fn seal_data_key(&self, environment: EnvironmentId, key: &[u8]) -> SealedDataKey {
        let bytes = match self.0.masters.first() {
            Some(master) => master.0.seal(&*self.0.rng, &data_key_place(environment), key),
            None => Vec::new(),
        };
        SealedDataKey {
            master: self.master_tag(),
            bytes,
        }
    }

    fn open_data_key(&self, environment: EnvironmentId, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let tag = tag_of(sealed)?;
        let master = self
            .0
            .masters
            .iter()
            .find(|master| master.tag() == tag)
            .ok_or(Error::UnknownKey(tag))?;
        master.0.open(&data_key_place(environment), sealed)
    }

    /// The same data key sealed by the current master key, or `None` when it already is: the step that a rotation
    /// repeats for every stored data key.
    ///
    /// # Errors
    /// When no known master key opens it.
    pub fn reseal(&self, environment: EnvironmentId, sealed: &[u8]) -> Result<Option<SealedDataKey>, Error> {
        if tag_of(sealed)?.to_hex() == self.master_tag() {
            return Ok(None);
        }
        let key = self.open_data_key(environment, sealed)?;
        Ok(Some(self.seal_data_key(environment, &key)))
    }

    /// Opens an environment's data keys, oldest first; the last one seals new values. Replaces what was known.
    ///
    /// # Errors
    /// When a key is missing or was sealed for another environment; nothing changes then.
    pub fn unlock(&self, environment: EnvironmentId, sealed: &[Vec<u8>]) -> Result<EnvironmentVault, Error> {
        let opened = self.unlock_uncommitted(environment, sealed)?;
        self.0
            .environments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(environment, opened.clone());
        Ok(opened)
    }

    /// As [`Vault::unlock`] without remembering: for keys whose transaction has not committed yet, which nobody else
    /// may seal with.
    ///
    /// # Errors
    /// As [`Vault::unlock`].
    pub fn unlock_uncommitted(
        &self,
        environment: EnvironmentId,
        sealed: &[Vec<u8>],
    ) -> Result<EnvironmentVault, Error> {
        let mut keys = Vec::with_capacity(sealed.len());
        for one in sealed {
            let bytes = self.open_data_key(environment, one)?;
            keys.push(Key::new(&bytes, "tenon data key")?);
        }
        if keys.is_empty() {
            return Err(Error::NotSealed);
        }
        Ok(EnvironmentVault(Arc::new(Opened {
            environment,
            keys,
            rng: Arc::clone(&self.0.rng),
        })))
    }

    /// The environment's keys when they were unlocked in this process before.
    pub fn unlocked(&self, environment: EnvironmentId) -> Option<EnvironmentVault> {
        self.0
            .environments
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&environment)
            .cloned()
    }

    /// Forgets an environment's keys, so that the next use reads them from the store again.
    pub fn forget(&self, environment: EnvironmentId) {
        self.0
            .environments
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&environment);
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Vault({})", self.master_tag())
    }
}

fn data_key_place(environment: EnvironmentId) -> String {
    format!("{DATA_KEY_PLACE}/{environment}")
}

/// Seals and opens the values of one environment. Cheap to clone.
#[derive(Clone)]
pub struct EnvironmentVault(Arc<Opened>);

struct Opened {
    environment: EnvironmentId,
    keys: Vec<Key>,
    rng: Arc<dyn Rng>,
}

impl EnvironmentVault {
    /// Seals `plain` for `place`, which must name table, row and column (`records.payload/17/contact-4`).
    pub fn seal(&self, place: &str, plain: &[u8]) -> Vec<u8> {
        match self.0.keys.last() {
            Some(key) => key.seal(&*self.0.rng, &self.bound(place), plain),
            None => Vec::new(),
        }
    }

    /// Opens what [`EnvironmentVault::seal`] wrote for the same place.
    ///
    /// # Errors
    /// [`Error::NotSealed`], [`Error::UnknownKey`], or [`Error::Refused`] when the bytes were changed or moved here
    /// from another place.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, Error> {
        let tag = tag_of(sealed)?;
        let key = self
            .0
            .keys
            .iter()
            .rev()
            .find(|key| key.tag == tag)
            .ok_or(Error::UnknownKey(tag))?;
        key.open(&self.bound(place), sealed)
    }

    /// Whether `sealed` was written with a key other than the newest one.
    pub fn is_outdated(&self, sealed: &[u8]) -> bool {
        tag_of(sealed).is_ok_and(|tag| self.0.keys.last().is_some_and(|key| key.tag != tag))
    }

    fn bound(&self, place: &str) -> String {
        format!("{}/{place}", self.0.environment)
    }
}

impl std::fmt::Debug for EnvironmentVault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "EnvironmentVault({})", self.0.environment)
    }
}
