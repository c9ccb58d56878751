//! The page in the reader's language. One file per language under `ui/connect/languages`.

use std::collections::HashMap;
use std::sync::OnceLock;

use http::HeaderMap;
use http::header::ACCEPT_LANGUAGE;

/// The languages with their files; the first is the one that others fall back to.
const FILES: &[(&str, &str)] = &[
    ("en", include_str!("../../../../../ui/connect/languages/en.toml")),
    ("ar", include_str!("../../../../../ui/connect/languages/ar.toml")),
    ("de", include_str!("../../../../../ui/connect/languages/de.toml")),
    ("es", include_str!("../../../../../ui/connect/languages/es.toml")),
    ("fr", include_str!("../../../../../ui/connect/languages/fr.toml")),
    ("it", include_str!("../../../../../ui/connect/languages/it.toml")),
    ("ja", include_str!("../../../../../ui/connect/languages/ja.toml")),
    ("nl", include_str!("../../../../../ui/connect/languages/nl.toml")),
    ("pt", include_str!("../../../../../ui/connect/languages/pt.toml")),
];

/// Texts by key.
type Texts = HashMap<String, String>;

/// One language.
#[derive(Debug, Clone, Copy)]
pub(super) struct Language {
    /// Its tag.
    pub tag: &'static str,
    texts: &'static Texts,
    fallback: &'static Texts,
}

fn all() -> &'static [(&'static str, Texts)] {
    static ALL: OnceLock<Vec<(&'static str, Texts)>> = OnceLock::new();
    ALL.get_or_init(|| {
        let read = |text: &str| toml::from_str(text).unwrap_or_default();
        FILES.iter().map(|(tag, text)| (*tag, read(text))).collect()
    })
}

impl Language {
    /// The language asked for in the query, else the best of what the browser accepts, else English.
    pub fn choose(wanted: Option<&str>, headers: &HeaderMap) -> Self {
        let accepted = headers
            .get(ACCEPT_LANGUAGE)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        wanted
            .and_then(Self::find)
            .or_else(|| by_preference(accepted).into_iter().find_map(Self::find))
            .unwrap_or_else(|| Self::at(0))
    }

    /// The language of a tag such as `pt-BR`.
    fn find(tag: &str) -> Option<Self> {
        let base = tag.split(['-', '_']).next()?.trim().to_ascii_lowercase();
        all().iter().position(|(known, _)| *known == base).map(Self::at)
    }

    fn at(index: usize) -> Self {
        let (tag, texts) = &all()[index];
        Self {
            tag,
            texts,
            fallback: &all()[0].1,
        }
    }

    /// Direction of its script, as HTML has it.
    pub fn direction(&self) -> &'static str {
        match self.tag {
            "ar" | "he" | "fa" => "rtl",
            _ => "ltr",
        }
    }

    /// The text of a key.
    pub fn text(&self, key: &str) -> &'static str {
        self.find_text(key).unwrap_or_default()
    }

    /// The text of a key that need not exist.
    pub fn find_text(&self, key: &str) -> Option<&'static str> {
        self.texts
            .get(key)
            .or_else(|| self.fallback.get(key))
            .map(String::as_str)
    }

    /// The text of a key with its placeholder filled in.
    pub fn fill(&self, key: &str, name: &str, value: &str) -> String {
        self.text(key).replace(&format!("{{{name}}}"), value)
    }
}

/// Language tags of an `Accept-Language` header, most wanted first.
fn by_preference(header: &str) -> Vec<&str> {
    let mut tags: Vec<(&str, f32)> = header
        .split(',')
        .take(20)
        .filter_map(|part| {
            let mut pieces = part.split(';');
            let tag = pieces.next()?.trim();
            let weight = pieces
                .find_map(|piece| piece.trim().strip_prefix("q=")?.parse().ok())
                .unwrap_or(1.0_f32);
            (!tag.is_empty() && weight > 0.0).then_some((tag, weight))
        })
        .collect();
    tags.sort_by(|a, b| b.1.total_cmp(&a.1));
    tags.into_iter().map(|(tag, _)| tag).collect()
}

#[cfg(test)]
mod tests;
