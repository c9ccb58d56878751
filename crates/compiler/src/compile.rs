//! The whole way from a folder to deployable functions.

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{
    bundle::{Bundle, Bundler},
    definition::{self, Definition},
    diagnostic::Diagnostic,
    evaluate::{Evaluate, describe, hash},
    project::{self, Entry, Layout},
    source::SourceFile,
};

/// A compiled project.
#[derive(Debug)]
pub struct Project {
    /// Its folder.
    pub root: PathBuf,
    /// How its functions were found.
    pub layout: Layout,
    /// The functions that could be compiled, in the order of the index.
    pub functions: Vec<Compiled>,
    /// Everything there is to say, in the order of the functions.
    pub diagnostics: Vec<Diagnostic>,
}

/// A compiled function.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// Where it comes from.
    pub entry: Entry,
    /// What it declares.
    pub definition: Definition,
    /// The bundle.
    pub js: String,
    /// SHA-256 of the bundle, in hex: the key of caches.
    pub hash: String,
    /// The function's own source, as written.
    pub ts: String,
}

impl Project {
    /// Whether anything keeps the project from being deployed.
    pub fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }
}

impl Compiled {
    /// Integration that it belongs to.
    pub fn integration(&self) -> &str {
        &self.definition.common.integration
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.definition.common.name
    }

    /// The name under which it appears in stack traces: `<function>-<integration>.cjs`.
    pub fn trace_name(&self) -> String {
        format!("{}-{}.cjs", self.name(), self.integration())
    }
}

/// Compiles every function of the project in `dir`.
pub fn compile_project(dir: &Path, evaluator: &dyn Evaluate) -> Project {
    compile_some(dir, evaluator, |_| true)
}

/// Compiles the functions of the project in `dir` that are wanted.
pub fn compile_some(dir: &Path, evaluator: &dyn Evaluate, wanted: impl Fn(&Entry) -> bool) -> Project {
    let files = project::load(dir);
    let entries: Vec<Entry> = files.entries.into_iter().filter(|entry| wanted(entry)).collect();
    let outcomes = compile_entries(&files.root, &entries, evaluator);
    let mut project = Project {
        root: files.root,
        layout: files.layout,
        functions: Vec::new(),
        diagnostics: files.diagnostics,
    };
    for outcome in outcomes {
        for diagnostic in outcome.diagnostics {
            // Helpers are shared: what is said about them once is said.
            if !project.diagnostics.contains(&diagnostic) {
                project.diagnostics.push(diagnostic);
            }
        }
        project.functions.extend(outcome.compiled);
    }
    let pairs: Vec<(&Definition, &str)> = project
        .functions
        .iter()
        .map(|function| (&function.definition, function.entry.path.as_str()))
        .collect();
    let findings = definition::check_project(&pairs);
    project.diagnostics.extend(findings);
    project
}

/// Compiles the one self-contained function whose text is `text`. Its imports of other files are errors; the file system
/// is not looked at. With an error among the diagnostics there is no function.
pub fn compile_text(entry: &Entry, text: &str, evaluator: &dyn Evaluate) -> (Option<Compiled>, Vec<Diagnostic>) {
    let bundler = Bundler::of_text(&entry.path, text);
    let Outcome {
        compiled,
        mut diagnostics,
    } = compile_entry(&bundler, entry, evaluator);
    if let Some(function) = &compiled {
        let pair = [(&function.definition, entry.path.as_str())];
        diagnostics.extend(definition::check_project(&pair));
    }
    let failed = diagnostics.iter().any(Diagnostic::is_error);
    (compiled.filter(|_| !failed), diagnostics)
}

#[derive(Default)]
struct Outcome {
    compiled: Option<Compiled>,
    diagnostics: Vec<Diagnostic>,
}

/// Compiles on every core; outcomes come in the order of the entries.
fn compile_entries(root: &Path, entries: &[Entry], evaluator: &dyn Evaluate) -> Vec<Outcome> {
    let bundler = Bundler::new(root);
    let next = AtomicUsize::new(0);
    let outcomes: Mutex<Vec<(usize, Outcome)>> = Mutex::new(Vec::with_capacity(entries.len()));
    let threads = std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(entries.len().max(1));
    let work = || {
        while let Some((place, entry)) = {
            let place = next.fetch_add(1, Ordering::Relaxed);
            entries.get(place).map(|entry| (place, entry))
        } {
            let outcome = compile_entry(&bundler, entry, evaluator);
            outcomes
                .lock()
                .unwrap_or_else(std::sync::PoisonError::into_inner)
                .push((place, outcome));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let mut outcomes = outcomes.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    outcomes.sort_by_key(|(place, _)| *place);
    outcomes.into_iter().map(|(_, outcome)| outcome).collect()
}

fn compile_entry(bundler: &Bundler<'_>, entry: &Entry, evaluator: &dyn Evaluate) -> Outcome {
    let Bundle {
        js,
        ts,
        uses_checkpoints,
        mut diagnostics,
    } = match bundler.bundle(&entry.path) {
        Ok(bundle) => bundle,
        Err(diagnostics) => {
            return Outcome {
                compiled: None,
                diagnostics,
            };
        }
    };
    let source = SourceFile::new(entry.path.clone(), ts);
    let (described, whole) = match describe(evaluator, entry, &source, &js) {
        Ok(answer) => answer,
        Err(found) => {
            diagnostics.extend(found);
            return Outcome {
                compiled: None,
                diagnostics,
            };
        }
    };
    let definition = definition::read(entry, &source, &described, whole, uses_checkpoints, &mut diagnostics);
    let compiled = definition.map(|definition| Compiled {
        entry: entry.clone(),
        definition,
        hash: hash(&js),
        js,
        ts: source.text,
    });
    Outcome { compiled, diagnostics }
}
