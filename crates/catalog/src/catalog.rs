//! The catalogue: every provider by id, in the order of the listing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use crate::compat::listing;
use crate::file::merge::{Resolved, resolve};
use crate::file::source::{Source, read};
use crate::file::{Fault, lower};
use crate::provider::Provider;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// Why a catalogue could not be built. The faults name file, entry and key, and say what to do.
#[derive(Debug, thiserror::Error)]
#[error("{} in the provider files: {}", count(.faults.len()), .faults.first().map(ToString::to_string).unwrap_or_default())]
pub struct LoadError {
    /// Everything that is wrong.
    pub faults: Vec<Fault>,
}

/// All providers. Immutable: a reload builds a new one and the owner swaps an `Arc`.
#[derive(Debug, Default)]
pub struct Catalog {
    providers: Vec<Provider>,
    index: HashMap<String, usize>,
}

impl Catalog {
    /// The entries that are built into the binary.
    ///
    /// # Errors
    /// When an embedded file is faulty, which a test excludes.
    pub fn embedded() -> Result<Self, LoadError> {
        Self::layered(&[])
    }

    /// The embedded entries, and over them the `*.toml` files of one directory. A missing directory is empty.
    ///
    /// An overlay entry replaces the embedded one of the same id, or refines it with `extends = "<the same id>"`.
    ///
    /// # Errors
    /// When the directory cannot be read or a file in it is faulty. Keep the catalogue at hand in that case.
    pub fn with_overlay(directory: &Path) -> Result<Self, LoadError> {
        Self::load(&[directory.to_owned()])
    }

    /// The embedded entries and any number of overlay directories, later ones on top.
    ///
    /// # Errors
    /// As [`Catalog::with_overlay`].
    pub fn load(overlays: &[PathBuf]) -> Result<Self, LoadError> {
        let layers = overlays
            .iter()
            .map(|directory| read_directory(directory))
            .collect::<Result<Vec<_>, _>>()?;
        Self::layered(&layers)
    }

    /// Only the given files (name, text), without the embedded ones: for tests and tools.
    ///
    /// # Errors
    /// When a file is faulty.
    pub fn from_texts(files: &[(String, String)]) -> Result<Self, LoadError> {
        let mut builder = Builder::default();
        builder.layer(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        builder.finish()
    }

    fn layered(overlays: &[Vec<(String, String)>]) -> Result<Self, LoadError> {
        let mut builder = Builder::default();
        builder.layer(embedded::FILES.iter().copied());
        for files in overlays {
            builder.layer(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        }
        builder.finish()
    }

    /// The provider with this id or synonym.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.index.get(id).and_then(|index| self.providers.get(*index))
    }

    /// Every provider in the order of the listing.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.providers.iter()
    }

    /// Number of providers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.providers.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.providers.is_empty()
    }

    /// Providers whose id matches `search`, a case-insensitive pattern; text that is no pattern is looked for as it is.
    #[must_use]
    pub fn search(&self, search: &str) -> Vec<&Provider> {
        let pattern = regex::RegexBuilder::new(search)
            .case_insensitive(true)
            .size_limit(1 << 18)
            .build();
        let lower = search.to_lowercase();
        let matches = |id: &str| match &pattern {
            Ok(pattern) => pattern.is_match(id),
            Err(_) => id.contains(&lower),
        };
        self.iter().filter(|provider| matches(&provider.id)).collect()
    }
}

/// Entries of one layer after another.
#[derive(Default)]
struct Builder {
    known: BTreeMap<String, Resolved>,
    faults: Vec<Fault>,
}

impl Builder {
    fn layer<'t>(&mut self, files: impl Iterator<Item = (&'t str, &'t str)>) {
        let mut sources: Vec<Source> = Vec::new();
        for (name, text) in files {
            match read(name, text) {
                Ok(source) => sources.push(source),
                Err(faults) => self.faults.extend(faults),
            }
        }
        let (resolved, faults) = resolve(&sources, &self.known);
        self.faults.extend(faults);
        self.known
            .extend(resolved.into_iter().map(|entry| (entry.id.clone(), entry)));
    }

    fn finish(mut self) -> Result<Catalog, LoadError> {
        let mut providers = Vec::with_capacity(self.known.len());
        for resolved in self.known.values() {
            match lower::lower(resolved) {
                Ok(provider) => providers.push(provider),
                Err(faults) => self.faults.extend(faults),
            }
        }
        let order = listing();
        providers.sort_by(|one, other| order.sort_key(&one.id).cmp(&order.sort_key(&other.id)));
        let mut index: HashMap<String, usize> = providers
            .iter()
            .enumerate()
            .map(|(at, provider)| (provider.id.clone(), at))
            .collect();
        for (at, provider) in providers.iter().enumerate() {
            for synonym in &provider.synonyms {
                let other = index.insert(synonym.clone(), at).and_then(|other| providers.get(other));
                if let Some(other) = other {
                    self.faults.push(Fault {
                        file: provider.file.clone(),
                        line: None,
                        entry: Some(provider.id.clone()),
                        key: Some("synonyms".to_owned()),
                        message: format!("`{synonym}` already means `{}`", other.id),
                    });
                }
            }
        }
        if self.faults.is_empty() {
            Ok(Catalog { providers, index })
        } else {
            Err(LoadError { faults: self.faults })
        }
    }
}

/// The `*.toml` files of a directory by name; a directory that does not exist is empty.
fn read_directory(directory: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let refused = |path: &Path, error: &std::io::Error| LoadError {
        faults: vec![Fault {
            file: path.display().to_string(),
            line: None,
            entry: None,
            key: None,
            message: format!("cannot be read: {error}"),
        }],
    };
    let listing = match std::fs::read_dir(directory) {
        Ok(listing) => listing,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(refused(directory, &error)),
    };
    let mut files = Vec::new();
    for entry in listing {
        let path = entry.map_err(|error| refused(directory, &error))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = std::fs::read_to_string(&path).map_err(|error| refused(&path, &error))?;
            files.push((path.display().to_string(), text));
        }
    }
    files.sort();
    Ok(files)
}

fn count(faults: usize) -> String {
    if faults == 1 {
        "1 fault".to_owned()
    } else {
        format!("{faults} faults")
    }
}
