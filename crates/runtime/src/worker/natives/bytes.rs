//! Conversions between text and bytes as Node's `Buffer` does them.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD, URL_SAFE_NO_PAD};
use rquickjs::prelude::Opt;
use rquickjs::{ArrayBuffer, Ctx, Exception, Function, Object, Result, String as JsString, Value};

use super::{buffer, text, view};

/// Accepts what is left after cleaning: no padding, odd trailing bits.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("decode", Function::new(ctx.clone(), decode)?)?;
    native.set("encode", Function::new(ctx.clone(), encode)?)?;
    native.set("utf8", Function::new(ctx.clone(), utf8)?)?;
    native.set("byteLength", Function::new(ctx.clone(), byte_length)?)?;
    native.set(
        "holdsSurrogateEscape",
        Function::new(ctx.clone(), holds_surrogate_escape)?,
    )?;
    native.set("parseOrText", Function::new(ctx.clone(), parse_or_text)?)
}

fn decode<'js>(ctx: Ctx<'js>, source: JsString<'js>, encoding: JsString<'js>) -> Result<ArrayBuffer<'js>> {
    let source = text(source)?;
    match text(encoding)?.as_str() {
        "hex" => buffer(&ctx, &from_hex(&source)),
        "base64" | "base64url" => buffer(&ctx, &from_base64(&source)),
        "latin1" | "ascii" => buffer(&ctx, &source.encode_utf16().map(|unit| unit as u8).collect::<Vec<_>>()),
        _ => buffer(&ctx, source.as_bytes()),
    }
}

fn encode<'js>(ctx: Ctx<'js>, source: Value<'js>, encoding: JsString<'js>) -> Result<JsString<'js>> {
    let source = view(&ctx, &source)?;
    let result = match text(encoding)?.as_str() {
        "hex" => hex::encode(source),
        "base64" => STANDARD.encode(source),
        "base64url" => URL_SAFE_NO_PAD.encode(source),
        "latin1" => source.into_iter().map(char::from).collect(),
        "ascii" => source.into_iter().map(|byte| char::from(byte & 0x7f)).collect(),
        _ => lossy(source),
    };
    JsString::from_str(ctx, &result)
}

fn utf8<'js>(ctx: Ctx<'js>, source: Value<'js>, fatal: Opt<bool>) -> Result<JsString<'js>> {
    let source = view(&ctx, &source)?;
    if fatal.0 == Some(true) && std::str::from_utf8(&source).is_err() {
        return Err(Exception::throw_type(
            &ctx,
            "The encoded data was not valid for encoding utf-8",
        ));
    }
    JsString::from_str(ctx, &lossy(source))
}

fn byte_length(source: JsString<'_>) -> Result<usize> {
    Ok(text(source)?.len())
}

/// Whether JSON text may hold the escape of a lone surrogate. The engine's own search takes a tenth of the time of a
/// page of records.
fn holds_surrogate_escape(source: JsString<'_>) -> Result<bool> {
    Ok(memchr::memmem::find(text(source)?.as_bytes(), br"\ud").is_some())
}

/// A body as a value: parsed when it is JSON, text otherwise.
fn parse_or_text<'js>(ctx: Ctx<'js>, source: Value<'js>) -> Result<Value<'js>> {
    let mut source = lossy(view(&ctx, &source)?);
    if source.starts_with('\u{feff}') {
        source.drain(..3);
    }
    let first = source
        .bytes()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    let may_be_json = matches!(
        first,
        Some(b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
    );
    if may_be_json && !source.as_bytes().contains(&0) {
        match ctx.json_parse(source.as_bytes()) {
            Ok(value) => return Ok(value),
            Err(rquickjs::Error::Exception) => {
                ctx.catch();
            }
            Err(error) => return Err(error),
        }
    }
    Ok(JsString::from_str(ctx, &source)?.into_value())
}

fn lossy(source: Vec<u8>) -> String {
    String::from_utf8(source).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Stops at the first pair that is not hexadecimal, as Node does.
fn from_hex(source: &str) -> Vec<u8> {
    let digit = |byte: u8| (byte as char).to_digit(16).map(|digit| digit as u8);
    source
        .as_bytes()
        .chunks_exact(2)
        .map_while(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?))
        .collect()
}

/// Ignores what is not in either alphabet and stops at padding, as Node does.
fn from_base64(source: &str) -> Vec<u8> {
    let mut clean: Vec<u8> = source
        .bytes()
        .take_while(|byte| *byte != b'=')
        .filter_map(|byte| match byte {
            b'-' => Some(b'+'),
            b'_' => Some(b'/'),
            b'+' | b'/' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => Some(byte),
            _ => None,
        })
        .collect();
    if clean.len() % 4 == 1 {
        clean.pop();
    }
    LENIENT.decode(clean).unwrap_or_default()
}
