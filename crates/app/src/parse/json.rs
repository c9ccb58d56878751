//! JSON bodies.

use serde_json::Value;

/// Reads a JSON text whose whole is an object or a list. A mark of the byte order is not part of the text, and halves of
/// characters, which JavaScript writes when it has cut a text, become U+FFFD.
///
/// # Errors
/// What is wrong with the text, for people.
pub fn read(raw: &[u8]) -> Result<Value, String> {
    let raw = raw.strip_prefix("\u{feff}".as_bytes()).unwrap_or(raw);
    let read = serde_json::from_slice::<Value>(raw);
    let read = read.or_else(|error| serde_json::from_slice(&whole_characters(raw).ok_or(error)?));
    match read {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => Ok(value),
        Ok(_) => Err("The body must be a JSON object or list".to_owned()),
        Err(error) => Err(format!("The body is not valid JSON: {error}")),
    }
}

/// The JSON text with escaped halves of characters replaced, when there are any.
fn whole_characters(raw: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(raw).ok()?;
    let half = |at: usize| {
        let digits = text.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        u16::from_str_radix(digits, 16).ok()
    };
    let mut whole = String::with_capacity(text.len());
    let (mut copied, mut at, mut found) = (0, 0, false);
    while let Some(step) = text.get(at..)?.find('\\') {
        at += step;
        match half(at) {
            Some(0xd800..=0xdbff) if matches!(half(at + 6), Some(0xdc00..=0xdfff)) => at += 12,
            Some(0xd800..=0xdfff) => {
                whole.push_str(text.get(copied..at)?);
                whole.push_str("\\ufffd");
                at += 6;
                (copied, found) = (at, true);
            }
            // Whatever is escaped, a second backslash above all, begins no escape itself.
            _ => at += 1 + text.get(at + 1..)?.chars().next()?.len_utf8(),
        }
    }
    whole.push_str(text.get(copied..)?);
    found.then(|| whole.into_bytes())
}

#[cfg(test)]
mod tests;
