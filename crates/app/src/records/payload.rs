//! How the content of a record is stored: compressed when that helps, then sealed for its place.

use tenon_credentials::vault::EnvironmentVault;

use super::Target;
use crate::{Error, Result};

const PLAIN: u8 = 0;
const LZ4: u8 = 1;
/// Shorter texts do not shrink.
const COMPRESS_FROM: usize = 96;
/// No record is larger; a size field beyond this is damage, not data.
const TEXT_BYTES_MAX: u32 = 256 << 20;

/// Seals the text of a record.
pub fn seal(vault: &EnvironmentVault, target: &Target, external_id: &str, text: &str) -> Vec<u8> {
    let mut packed = Vec::with_capacity(text.len() + 5);
    if text.len() >= COMPRESS_FROM {
        let compressed = lz4_flex::block::compress_prepend_size(text.as_bytes());
        if compressed.len() < text.len() {
            packed.push(LZ4);
            packed.extend_from_slice(&compressed);
        }
    }
    if packed.is_empty() {
        packed.push(PLAIN);
        packed.extend_from_slice(text.as_bytes());
    }
    vault.seal(&target.place(external_id), &packed)
}

/// Opens what [`seal`] wrote for the same place.
///
/// # Errors
/// When the bytes were changed, moved from another record, or sealed with an unknown key.
pub fn open(vault: &EnvironmentVault, target: &Target, external_id: &str, sealed: &[u8]) -> Result<String> {
    let packed = vault.open(&target.place(external_id), sealed)?;
    let damaged = || Error::Internal(format!("the payload of a record of {} is damaged", target.model));
    let (kind, rest) = packed.split_first().ok_or_else(damaged)?;
    let bytes = match *kind {
        PLAIN => rest.to_vec(),
        LZ4 => {
            let size = rest
                .first_chunk::<4>()
                .map(|size| u32::from_le_bytes(*size))
                .ok_or_else(damaged)?;
            if size > TEXT_BYTES_MAX {
                return Err(damaged());
            }
            lz4_flex::block::decompress_size_prepended(rest).map_err(|_| damaged())?
        }
        _ => return Err(damaged()),
    };
    String::from_utf8(bytes).map_err(|_| damaged())
}
