//! Unpacking behind the prelude's `unzipper` module. How much may come out is the caller's to say, before anything does.

use flate2::{Crc, Decompress, FlushDecompress, Status};
use rquickjs::{ArrayBuffer, Ctx, Exception, Function, Object, Result, Value};

use super::{buffer, view};

/// What may come out whatever the caller says.
const INFLATED_BYTES_MAX: usize = 64 << 20;

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("inflate", Function::new(ctx.clone(), inflate)?)?;
    native.set("crc32", Function::new(ctx.clone(), crc32)?)
}

/// Raw deflate (RFC 1951) that is `size` bytes when unpacked.
fn inflate<'js>(ctx: Ctx<'js>, packed: Value<'js>, size: usize) -> Result<ArrayBuffer<'js>> {
    let packed = view(&ctx, &packed)?;
    let plain = inflated(&packed, size).map_err(|reason| Exception::throw_message(&ctx, reason))?;
    buffer(&ctx, &plain)
}

fn inflated(packed: &[u8], size: usize) -> std::result::Result<Vec<u8>, &'static str> {
    if size > INFLATED_BYTES_MAX {
        return Err("The file is larger than functions may unpack");
    }
    // One byte more than expected shows that there is more.
    let mut plain = Vec::with_capacity(size + 1);
    let status = Decompress::new(false)
        .decompress_vec(packed, &mut plain, FlushDecompress::Finish)
        .map_err(|_| "The archive is damaged: a file cannot be unpacked")?;
    if plain.len() > size {
        return Err("The archive is damaged: a file holds more than its directory says");
    }
    if status != Status::StreamEnd {
        return Err("The archive is damaged: a file is cut off");
    }
    Ok(plain)
}

/// As a float, because the engine would take the upper half of the range for negative numbers.
fn crc32<'js>(ctx: Ctx<'js>, bytes: Value<'js>) -> Result<f64> {
    let bytes = view(&ctx, &bytes)?;
    let mut crc = Crc::new();
    crc.update(&bytes);
    Ok(f64::from(crc.sum()))
}

#[cfg(test)]
mod tests;
