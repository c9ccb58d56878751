//! The entries that are built into the binary.
//!
//! Nearly a thousand entries would cost every start a tenth of a second, though a server uses a handful. So only the
//! ids are known at first; a file is read, together with the files that its entries extend, when one of its entries is
//! asked for. What was read stays: it never changes while the process lives.

use std::sync::OnceLock;

use toml::{Table, Value};

use crate::file::merge::{Resolved, resolve};
use crate::file::source::{Source, read};
use crate::file::{Fault, lower};
use crate::provider::Provider;

mod generated {
    include!(concat!(env!("OUT_DIR"), "/files.rs"));
}

/// The built-in entries, in the order of their ids.
pub struct Embedded {
    sources: Vec<OnceLock<Result<Source, Vec<Fault>>>>,
    entries: Vec<OnceLock<Result<Provider, Vec<Fault>>>>,
}

/// The one instance.
pub fn embedded() -> &'static Embedded {
    static EMBEDDED: OnceLock<Embedded> = OnceLock::new();
    EMBEDDED.get_or_init(|| Embedded {
        sources: generated::FILES.iter().map(|_| OnceLock::new()).collect(),
        entries: generated::ENTRIES.iter().map(|_| OnceLock::new()).collect(),
    })
}

impl Embedded {
    /// Id and other names of every entry.
    pub fn ids(&self) -> impl Iterator<Item = (&'static str, &'static [&'static str])> {
        generated::ENTRIES.iter().map(|(id, synonyms, _)| (*id, *synonyms))
    }

    /// Id of the entry at a position.
    pub fn id(&self, position: usize) -> &'static str {
        generated::ENTRIES.get(position).map_or("", |(id, _, _)| *id)
    }

    /// Position of an id.
    pub fn position(&self, id: &str) -> Option<usize> {
        generated::ENTRIES
            .binary_search_by(|(known, _, _)| (*known).cmp(id))
            .ok()
    }

    /// The entry at a position. A faulty one is absent here and reported by [`Embedded::faults`].
    pub fn provider(&'static self, position: usize) -> Option<&'static Provider> {
        self.read(position)?.as_ref().ok()
    }

    /// The complete table of an entry, for entries of an overlay that extend it.
    pub fn table(&'static self, id: &str) -> Option<Table> {
        self.resolved(self.position(id)?).ok().map(|resolved| resolved.table)
    }

    /// Everything that is wrong with the built-in files, after reading all of them.
    pub fn faults(&'static self) -> Vec<Fault> {
        let mut faults: Vec<Fault> = Vec::new();
        let sources = (0..self.sources.len()).filter_map(|file| self.source(file).err());
        faults.extend(sources.flatten().cloned());
        let entries = (0..self.entries.len()).filter_map(|position| self.read(position)?.as_ref().err());
        faults.extend(entries.flatten().cloned());
        faults.dedup();
        faults
    }

    /// Ids that the real parser finds, for the test that holds the index of the build script to it.
    pub fn parsed_ids(&'static self) -> Vec<String> {
        let sources: Vec<&Source> = (0..self.sources.len())
            .filter_map(|file| self.source(file).ok())
            .collect();
        let (resolved, _) = resolve(&sources, &|_| None);
        let mut ids: Vec<String> = resolved.into_iter().map(|entry| entry.id).collect();
        ids.sort();
        ids
    }

    fn read(&'static self, position: usize) -> Option<&'static Result<Provider, Vec<Fault>>> {
        let cell = self.entries.get(position)?;
        Some(cell.get_or_init(|| self.resolved(position).and_then(|resolved| lower::lower(&resolved))))
    }

    fn source(&'static self, file: usize) -> Result<&'static Source, &'static Vec<Fault>> {
        static NONE: Vec<Fault> = Vec::new();
        match (self.sources.get(file), generated::FILES.get(file)) {
            (Some(cell), Some((name, text))) => cell.get_or_init(|| read(name, text)).as_ref(),
            _ => Err(&NONE),
        }
    }

    fn resolved(&'static self, position: usize) -> Result<Resolved, Vec<Fault>> {
        let Some((id, _, file)) = generated::ENTRIES.get(position) else {
            return Err(Vec::new());
        };
        let mut files = vec![*file];
        let mut sources: Vec<&Source> = Vec::new();
        let mut next = 0;
        while let Some(file) = files.get(next).copied() {
            let source = self.source(file).map_err(Clone::clone)?;
            for parent in source
                .entries
                .iter()
                .filter_map(|(_, table, _)| table.get("extends").and_then(Value::as_str))
            {
                let file = self
                    .position(parent)
                    .and_then(|at| generated::ENTRIES.get(at))
                    .map(|(_, _, file)| *file);
                files.extend(file.filter(|file| !files.contains(file)));
            }
            sources.push(source);
            next += 1;
        }
        let (resolved, faults) = resolve(&sources, &|_| None);
        match resolved.into_iter().find(|entry| entry.id == *id) {
            Some(resolved) => Ok(resolved),
            None => Err(faults
                .into_iter()
                .filter(|fault| fault.entry.as_deref() == Some(*id))
                .collect()),
        }
    }
}
