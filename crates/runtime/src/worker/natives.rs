//! Functions that the prelude gets from Rust.
//!
//! They are reachable only through the prelude's own scope, do work linear in their input, copy bytes in and out,
//! and count against the isolate's memory as soon as the engine holds the result.

mod bytes;
mod ciphers;
mod crypto;
mod dates;
mod host;
mod url;
mod zip;
mod zones;

use std::rc::Rc;

use rquickjs::{ArrayBuffer, Ctx, Exception, Object, Result, String as JsString, Value};

use super::shared::Current;

/// Builds the object that the prelude receives as `native`.
pub(super) fn install<'js>(ctx: &Ctx<'js>, current: &Rc<Current>) -> Result<Object<'js>> {
    let native = Object::new(ctx.clone())?;
    bytes::install(ctx, &native)?;
    url::install(ctx, &native)?;
    crypto::install(ctx, &native, current)?;
    ciphers::install(ctx, &native)?;
    zip::install(ctx, &native)?;
    zones::install(ctx, &native)?;
    dates::install(ctx, &native)?;
    host::install(ctx, &native, current)?;
    Ok(native)
}

/// Bytes of a view, or a type error.
fn view(ctx: &Ctx<'_>, value: &Value<'_>) -> Result<Vec<u8>> {
    crate::sys::copy_bytes(value).ok_or_else(|| Exception::throw_type(ctx, "expected bytes"))
}

/// A new buffer that the engine owns and counts.
fn buffer<'js>(ctx: &Ctx<'js>, bytes: &[u8]) -> Result<ArrayBuffer<'js>> {
    ArrayBuffer::new_copy(ctx.clone(), bytes)
}

/// Text of a string that the prelude made well formed.
fn text(value: JsString<'_>) -> Result<String> {
    value.to_string()
}
