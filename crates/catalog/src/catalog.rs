//! The catalogue: every provider by id, in the order of the listing.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use toml::Table;

use crate::compat::listing;
use crate::embedded::embedded;
use crate::file::merge::{Resolved, resolve};
use crate::file::source::{Source, read};
use crate::file::{Fault, lower};
use crate::provider::Provider;

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
    entries: Vec<Entry>,
    index: HashMap<String, usize>,
}

/// A built-in entry is shared by all catalogues of the process.
#[derive(Debug)]
enum Entry {
    Embedded(usize),
    Own(Box<Provider>),
}

impl Catalog {
    /// The entries that are built into the binary. They are read when they are asked for.
    ///
    /// # Errors
    /// None today: a test proves that the built-in files are sound.
    pub fn embedded() -> Result<Self, LoadError> {
        Self::load(&[])
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
        let mut overlay = Overlay::over_embedded();
        for directory in overlays {
            let files = read_directory(directory)?;
            overlay.layer(files.iter().map(|(name, text)| (name.as_str(), text.as_str())));
        }
        overlay.finish()
    }

    /// The given files (name, text) over the embedded entries: for tests and for checking a file before it is saved.
    ///
    /// # Errors
    /// When a file is faulty.
    pub fn with_texts(files: &[(&str, &str)]) -> Result<Self, LoadError> {
        let mut overlay = Overlay::over_embedded();
        overlay.layer(files.iter().copied());
        overlay.finish()
    }

    /// The provider with this id or synonym.
    #[must_use]
    pub fn get(&self, id: &str) -> Option<&Provider> {
        self.entries.get(*self.index.get(id)?)?.provider()
    }

    /// Every provider in the order of the listing.
    pub fn iter(&self) -> impl Iterator<Item = &Provider> {
        self.entries.iter().filter_map(Entry::provider)
    }

    /// Number of providers.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
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
        // Ids are looked at before entries are read: a search for one name reads one file.
        self.entries
            .iter()
            .filter(|entry| matches(entry.id()))
            .filter_map(Entry::provider)
            .collect()
    }
}

impl Entry {
    fn id(&self) -> &str {
        match self {
            Self::Embedded(position) => embedded().id(*position),
            Self::Own(provider) => &provider.id,
        }
    }

    fn provider(&self) -> Option<&Provider> {
        match self {
            Self::Embedded(position) => embedded().provider(*position),
            Self::Own(provider) => Some(provider),
        }
    }
}

/// Entries of overlays, one layer after another.
struct Overlay {
    own: BTreeMap<String, Resolved>,
    faults: Vec<Fault>,
}

impl Overlay {
    fn over_embedded() -> Self {
        Self {
            own: BTreeMap::new(),
            faults: Vec::new(),
        }
    }

    fn layer<'t>(&mut self, files: impl Iterator<Item = (&'t str, &'t str)>) {
        let mut sources: Vec<Source> = Vec::new();
        for (name, text) in files {
            match read(name, text) {
                Ok(source) => sources.push(source),
                Err(faults) => self.faults.extend(faults),
            }
        }
        let below = |id: &str| -> Option<Table> {
            self.own
                .get(id)
                .map(|resolved| resolved.table.clone())
                .or_else(|| embedded().table(id))
        };
        let (resolved, faults) = resolve(&sources.iter().collect::<Vec<_>>(), &below);
        self.faults.extend(faults);
        self.own
            .extend(resolved.into_iter().map(|entry| (entry.id.clone(), entry)));
    }

    fn finish(mut self) -> Result<Catalog, LoadError> {
        let mut entries = Vec::new();
        let mut synonyms: Vec<(String, String, String)> = Vec::new();
        for (position, (id, names)) in embedded().ids().enumerate() {
            if !self.own.contains_key(id) {
                entries.push(Entry::Embedded(position));
                synonyms.extend(
                    names
                        .iter()
                        .map(|name| ((*name).to_owned(), id.to_owned(), String::new())),
                );
            }
        }
        for resolved in self.own.values() {
            match lower::lower(resolved) {
                Ok(provider) => {
                    let names = provider.synonyms.iter();
                    synonyms.extend(names.map(|name| (name.clone(), provider.id.clone(), provider.file.clone())));
                    entries.push(Entry::Own(Box::new(provider)));
                }
                Err(faults) => self.faults.extend(faults),
            }
        }
        let order = listing();
        entries.sort_by(|one, other| order.sort_key(one.id()).cmp(&order.sort_key(other.id())));
        let places = entries.iter().enumerate();
        let mut index: HashMap<String, usize> = places.map(|(place, entry)| (entry.id().to_owned(), place)).collect();
        for (synonym, id, file) in synonyms {
            let Some(place) = index.get(&id).copied() else { continue };
            if index.insert(synonym.clone(), place).is_some_and(|other| other != place) {
                let message = format!("`{synonym}` already means another entry; choose another word");
                let key = Some("synonyms".to_owned());
                self.faults.push(Fault {
                    file,
                    line: None,
                    entry: Some(id),
                    key,
                    message,
                });
            }
        }
        if self.faults.is_empty() {
            Ok(Catalog { entries, index })
        } else {
            Err(LoadError { faults: self.faults })
        }
    }
}

/// The `*.toml` files of a directory by name; a directory that does not exist is empty.
fn read_directory(directory: &Path) -> Result<Vec<(String, String)>, LoadError> {
    let refused = |path: &Path, error: &std::io::Error| {
        let message = format!("cannot be read: {error}");
        let file = path.display().to_string();
        LoadError {
            faults: vec![Fault {
                file,
                line: None,
                entry: None,
                key: None,
                message,
            }],
        }
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

/// A number that changes when a file of the directory is added, removed or written, so that an owner can ask now and
/// then whether a reload is due. A directory that cannot be read is like an empty one.
#[must_use]
pub fn overlay_stamp(directory: &Path) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let listing = std::fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<_> = listing
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "toml"))
        .map(|entry| {
            let about = entry.metadata().ok();
            let written = about.as_ref().and_then(|about| about.modified().ok());
            (entry.file_name(), about.map(|about| about.len()), written)
        })
        .collect();
    files.sort();
    let mut hasher = DefaultHasher::new();
    files.hash(&mut hasher);
    hasher.finish()
}
