//! The sentence in an error answer that tells a person what is wrong.

use serde_json::Value;
use tenon_model::Secret;

/// Where vendors put that sentence, most telling first.
const PATHS: &[&str] = &[
    "/error_description",
    "/error/message",
    "/error/detail",
    "/errors/0/message",
    "/errors/0/detail",
    "/errors/0/title",
    "/message",
    "/Message",
    "/detail",
    "/error_message",
    "/errorMessage",
    "/error_msg",
    "/description",
    "/reason",
    "/title",
    "/error",
    "/errors/0",
    "/msg",
    "/0/message",
];
/// Longer texts are cut: a sentence helps, a page does not.
const CHARS_MAX: usize = 240;
/// Shorter values are not looked for: a one-letter password would tear words apart.
const SECRET_BYTES_MIN: usize = 4;

/// The sentence of an answer. Credentials that the provider repeats are blanked out; HTML says nothing to people.
pub(crate) fn reason(answer: &str, secrets: &[Secret]) -> Option<String> {
    let answer = answer.trim();
    let said = match serde_json::from_str::<Value>(answer) {
        Ok(Value::String(text)) => text,
        Ok(value) => PATHS
            .iter()
            .find_map(|path| value.pointer(path)?.as_str().filter(|text| !text.trim().is_empty()))?
            .to_owned(),
        Err(_) if answer.starts_with('<') || answer.lines().count() > 3 => return None,
        Err(_) => answer.to_owned(),
    };
    let mut plain = said;
    for secret in secrets.iter().map(Secret::expose) {
        if secret.len() >= SECRET_BYTES_MIN {
            plain = plain.replace(secret, "•••");
        }
    }
    let words: Vec<&str> = plain.split_whitespace().collect();
    let sentence: String = words.join(" ").chars().filter(|letter| !letter.is_control()).collect();
    if sentence.is_empty() {
        return None;
    }
    if sentence.chars().count() <= CHARS_MAX {
        return Some(sentence);
    }
    let cut: String = sentence.chars().take(CHARS_MAX).collect();
    Some(format!("{cut}…"))
}

#[cfg(test)]
mod tests;
