//! AES and the derivation of keys from passwords, behind the prelude's `crypto` module.

use aes::cipher::consts::{U12, U16};
use aes::cipher::{
    BlockDecryptMut, BlockEncryptMut, BlockSizeUser, KeyInit, KeyIvInit, StreamCipher, block_padding::NoPadding,
};
use aes::{Aes128, Aes192, Aes256};
use aes_gcm::AesGcm;
use aes_gcm::aead::{AeadInPlace, Nonce};
use ring::pbkdf2;
use rquickjs::{ArrayBuffer, Ctx, Exception, Function, Object, Result, String as JsString, Value};

use super::{buffer, text, view};

/// Rounds of PBKDF2, for all blocks of the key together, that a call may ask for: some seconds of work, which nothing interrupts.
const ROUNDS_MAX: u64 = 10_000_000;
/// Bytes that a derived key may have.
const DERIVED_MAX: usize = 1 << 16;
/// Memory that scrypt may use.
const SCRYPT_BYTES_MAX: u64 = 64 << 20;
/// Bytes that all lanes of scrypt together may fill, one after the other: some seconds of work.
const SCRYPT_FILLED_MAX: u64 = 1 << 30;

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("aes", Function::new(ctx.clone(), aes)?)?;
    native.set("gcm", Function::new(ctx.clone(), gcm)?)?;
    native.set("pbkdf2", Function::new(ctx.clone(), pbkdf2_of)?)?;
    native.set("scrypt", Function::new(ctx.clone(), scrypt_of)?)
}

/// `cbc-encrypt`, `cbc-decrypt`, `ecb-encrypt`, `ecb-decrypt` of whole blocks, and `ctr` of any number of bytes.
fn aes<'js>(
    ctx: Ctx<'js>,
    mode: JsString<'js>,
    key: Value<'js>,
    iv: Value<'js>,
    data: Value<'js>,
) -> Result<ArrayBuffer<'js>> {
    let (key, iv, mut data) = (view(&ctx, &key)?, view(&ctx, &iv)?, view(&ctx, &data)?);
    let mode = text(mode)?;
    let done = match key.len() {
        16 => run_mode::<Aes128>(&mode, &key, &iv, &mut data),
        24 => run_mode::<Aes192>(&mode, &key, &iv, &mut data),
        32 => run_mode::<Aes256>(&mode, &key, &iv, &mut data),
        _ => None,
    };
    done.ok_or_else(|| Exception::throw_message(&ctx, "Unsupported cipher"))?;
    buffer(&ctx, &data)
}

fn run_mode<C>(mode: &str, key: &[u8], iv: &[u8], data: &mut [u8]) -> Option<()>
where
    C: KeyInit + BlockSizeUser<BlockSize = U16> + BlockEncryptMut + BlockDecryptMut + aes::cipher::BlockCipher,
    C: aes::cipher::BlockEncrypt + aes::cipher::BlockDecrypt + Clone,
{
    let length = data.len();
    match mode {
        "cbc-encrypt" => {
            let cipher = cbc::Encryptor::<C>::new_from_slices(key, iv).ok()?;
            cipher.encrypt_padded_mut::<NoPadding>(data, length).ok()?;
        }
        "cbc-decrypt" => {
            let cipher = cbc::Decryptor::<C>::new_from_slices(key, iv).ok()?;
            cipher.decrypt_padded_mut::<NoPadding>(data).ok()?;
        }
        "ecb-encrypt" => {
            let cipher = <C as KeyInit>::new_from_slice(key).ok()?;
            cipher.encrypt_padded_mut::<NoPadding>(data, length).ok()?;
        }
        "ecb-decrypt" => {
            let cipher = <C as KeyInit>::new_from_slice(key).ok()?;
            cipher.decrypt_padded_mut::<NoPadding>(data).ok()?;
        }
        "ctr" => ctr::Ctr128BE::<C>::new_from_slices(key, iv).ok()?.apply_keystream(data),
        _ => return None,
    }
    Some(())
}

/// The sealed data and its tag of 16 bytes. Sealing what is sealed opens it; the tag then is that of neither.
fn gcm<'js>(
    ctx: Ctx<'js>,
    key: Value<'js>,
    iv: Value<'js>,
    additional: Value<'js>,
    data: Value<'js>,
) -> Result<ArrayBuffer<'js>> {
    let (key, iv) = (view(&ctx, &key)?, view(&ctx, &iv)?);
    let (additional, mut data) = (view(&ctx, &additional)?, view(&ctx, &data)?);
    let tag = match (key.len(), iv.len()) {
        (16, 12) => seal::<AesGcm<Aes128, U12>>(&key, &iv, &additional, &mut data),
        (24, 12) => seal::<AesGcm<Aes192, U12>>(&key, &iv, &additional, &mut data),
        (32, 12) => seal::<AesGcm<Aes256, U12>>(&key, &iv, &additional, &mut data),
        (16, 16) => seal::<AesGcm<Aes128, U16>>(&key, &iv, &additional, &mut data),
        (24, 16) => seal::<AesGcm<Aes192, U16>>(&key, &iv, &additional, &mut data),
        (32, 16) => seal::<AesGcm<Aes256, U16>>(&key, &iv, &additional, &mut data),
        _ => None,
    };
    let tag = tag.ok_or_else(|| Exception::throw_message(&ctx, "Unsupported cipher"))?;
    data.extend(tag);
    buffer(&ctx, &data)
}

fn seal<C: KeyInit + AeadInPlace>(key: &[u8], iv: &[u8], additional: &[u8], data: &mut [u8]) -> Option<Vec<u8>> {
    let cipher = <C as KeyInit>::new_from_slice(key).ok()?;
    let tag = cipher.encrypt_in_place_detached(Nonce::<C>::from_slice(iv), additional, data);
    Some(tag.ok()?.to_vec())
}

/// Undefined for a digest that is not known here.
fn pbkdf2_of<'js>(
    ctx: Ctx<'js>,
    digest: JsString<'js>,
    password: Value<'js>,
    salt: Value<'js>,
    rounds: u32,
    length: usize,
) -> Result<Option<ArrayBuffer<'js>>> {
    let (algorithm, block) = match text(digest)?.as_str() {
        "sha1" => (pbkdf2::PBKDF2_HMAC_SHA1, 20),
        "sha256" => (pbkdf2::PBKDF2_HMAC_SHA256, 32),
        "sha384" => (pbkdf2::PBKDF2_HMAC_SHA384, 48),
        "sha512" => (pbkdf2::PBKDF2_HMAC_SHA512, 64),
        _ => return Ok(None),
    };
    let (password, salt) = (view(&ctx, &password)?, view(&ctx, &salt)?);
    let blocks = length.div_ceil(block) as u64;
    let allowed = length <= DERIVED_MAX && u64::from(rounds).saturating_mul(blocks) <= ROUNDS_MAX;
    let Some(rounds) = std::num::NonZeroU32::new(rounds).filter(|_| allowed) else {
        return Err(Exception::throw_range(&ctx, "The number of iterations is out of range"));
    };
    let mut derived = vec![0; length];
    pbkdf2::derive(algorithm, rounds, &salt, &password, &mut derived);
    buffer(&ctx, &derived).map(Some)
}

fn scrypt_of<'js>(
    ctx: Ctx<'js>,
    password: Value<'js>,
    salt: Value<'js>,
    length: usize,
    cost: u32,
    block_size: u32,
    parallel: u32,
) -> Result<ArrayBuffer<'js>> {
    let (password, salt) = (view(&ctx, &password)?, view(&ctx, &salt)?);
    let lane = u64::from(cost)
        .saturating_mul(u64::from(block_size))
        .saturating_mul(128);
    let memory = lane.saturating_add(
        u64::from(block_size)
            .saturating_mul(u64::from(parallel))
            .saturating_mul(128),
    );
    let usable = cost.is_power_of_two()
        && cost > 1
        && memory <= SCRYPT_BYTES_MAX
        && lane.saturating_mul(u64::from(parallel)) <= SCRYPT_FILLED_MAX
        && length <= DERIVED_MAX;
    if !usable {
        return Err(Exception::throw_range(
            &ctx,
            "Invalid scrypt params: memory limit exceeded",
        ));
    }
    let mut derived = vec![0; length];
    let params = scrypt::Params::new(cost.ilog2() as u8, block_size, parallel, 32).ok();
    params
        .and_then(|params| scrypt::scrypt(&password, &salt, &params, &mut derived).ok())
        .ok_or_else(|| Exception::throw_range(&ctx, "Invalid scrypt params: memory limit exceeded"))?;
    buffer(&ctx, &derived)
}
