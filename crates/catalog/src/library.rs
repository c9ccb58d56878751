//! Function templates: the files of `templates/`, carried by the binary.
//!
//! A template is one self-contained TypeScript file for one provider, with fixtures that prove it. The catalogue hands out
//! texts; compiling them is the business of those who ask.

/// One function that can be added to a project, or deployed as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionTemplate {
    /// Id of the provider in the catalogue.
    pub provider: &'static str,
    /// `syncs` or `actions`.
    pub folder: &'static str,
    /// Name of the function.
    pub name: &'static str,
    /// TypeScript.
    pub source: &'static str,
    /// File names and texts of its recorded tests.
    pub fixtures: &'static [(&'static str, &'static str)],
}

include!(concat!(env!("OUT_DIR"), "/library.rs"));

impl FunctionTemplate {
    /// `sync` or `action`.
    pub fn kind(&self) -> &'static str {
        self.folder.trim_end_matches('s')
    }

    /// The sentence that its author describes it with.
    pub fn description(&self) -> &'static str {
        let rest = self.source.split_once("description: '").map_or("", |(_, rest)| rest);
        rest.split_once('\'').map_or("", |(text, _)| text)
    }
}

/// Templates of a provider; all of them when none is named.
pub fn templates(provider: Option<&str>) -> impl Iterator<Item = &'static FunctionTemplate> {
    LIBRARY
        .iter()
        .filter(move |template| provider.is_none_or(|provider| template.provider == provider))
}

#[cfg(test)]
mod tests;
