#![doc = include_str!("../README.md")]

mod bundle;
mod checks;
mod compile;
pub mod definition;
mod diagnostic;
mod evaluate;
pub mod older;
mod output;
mod project;
mod source;
mod strip;

pub use bundle::{Bundle, Bundler, missing_imports};
pub use checks::ALLOWED_PACKAGES;
pub use compile::{Compiled, Project, compile_project, compile_some, compile_text};
pub use definition::{Definition, Detail, Kind};
pub use diagnostic::{Diagnostic, Location, Severity};
pub use evaluate::{Evaluate, Fault, Sandbox, Thrown, hash, thrown};
pub use output::write;
pub use project::{Entry, Folder, Layout, ProjectFiles, function_files, load};
pub use source::{Position, SourceFile};
