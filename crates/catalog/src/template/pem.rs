//! Keys as people paste them, made whole.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Why a text is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// What lies between the armour is not base64.
    #[error("the text between the BEGIN and END lines is not base64")]
    NotBase64,
    /// Nothing is there.
    #[error("the key is empty")]
    Empty,
}

/// Repairs a pasted key: literal `\n` becomes a line break, armour and white space go, and the rest is wrapped again
/// at 64 characters. The label found in the text is kept, else `label` is used.
///
/// # Errors
/// When there is nothing inside or it is not base64.
pub fn repair_pem(text: &str, label: &str) -> Result<String, PemError> {
    let body = body_of(text)?;
    let label = found_label(text).unwrap_or(label);
    let mut out = format!("-----BEGIN {label}-----\n");
    for (index, character) in body.chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            out.push('\n');
        }
        out.push(character);
    }
    out.push_str(&format!("\n-----END {label}-----\n"));
    Ok(out)
}

/// The bytes inside the armour and the label, when the text has one.
pub(crate) fn der_of(text: &str) -> Result<(Vec<u8>, Option<&str>), PemError> {
    let body = body_of(text)?;
    let der = STANDARD.decode(body).map_err(|_| PemError::NotBase64)?;
    Ok((der, found_label(text)))
}

fn body_of(text: &str) -> Result<String, PemError> {
    let unescaped = text.replace("\\r", "").replace("\\n", "\n");
    let mut body = String::new();
    for piece in without_armour(&unescaped) {
        body.extend(piece.chars().filter(|character| !character.is_whitespace()));
    }
    if body.is_empty() {
        return Err(PemError::Empty);
    }
    let well_formed = body
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
    if well_formed {
        Ok(body)
    } else {
        Err(PemError::NotBase64)
    }
}

/// The text between and around `-----…-----` marks.
fn without_armour(text: &str) -> impl Iterator<Item = &str> {
    // Marks alternate with contents: the pieces at even places are contents.
    text.split("-----").step_by(2)
}

fn found_label(text: &str) -> Option<&str> {
    text.split_once("-----BEGIN ")?
        .1
        .split_once("-----")
        .map(|(label, _)| label)
}
