//! Compiles a project with workers of this very binary, and checks its types when it has TypeScript.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, Result};
use tenon_compiler::{Diagnostic, Project, Sandbox, compile_project};
use tenon_runtime::{Runtime, RuntimeConfig};

use super::types::{self, Types};

/// A compiled project and how long it took.
pub struct Built {
    /// The project.
    pub project: Project,
    /// What TypeScript said; nothing when the project does not have it.
    pub types: Option<Types>,
    /// Milliseconds.
    pub duration_ms: u128,
    /// The workers, for runs after the compilation.
    pub runtime: Runtime,
}

impl Built {
    /// Everything there is to say: our findings, and those of TypeScript.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        let of_types = self.types.iter().flat_map(|types| &types.diagnostics);
        self.project.diagnostics.iter().chain(of_types)
    }

    /// Whether it can be deployed and run.
    pub fn is_usable(&self) -> bool {
        !self.project.has_errors() && self.types.as_ref().is_none_or(|types| types.ok)
    }
}

/// Starts workers for compiling and for dry runs.
pub fn start_runtime() -> Result<Runtime> {
    let program = std::env::current_exe().context("the path of this program")?;
    Runtime::start(RuntimeConfig::new(program, ["worker"])).context("the function runtime cannot be started")
}

/// Compiles the project in `dir`; `typecheck` says whether to ask TypeScript too.
pub async fn build(dir: &Path, typecheck: bool) -> Result<Built> {
    let start = Instant::now();
    let runtime = start_runtime()?;
    let sandbox = Sandbox::new(runtime.clone(), "authoring");
    let folder: PathBuf = dir.to_path_buf();
    let compiling = tokio::task::spawn_blocking(move || compile_project(&folder, &sandbox));
    let types = async { if typecheck { types::check(dir).await } else { None } };
    let (project, types) = tokio::join!(compiling, types);
    let project = project.context("the compiler stopped")?;
    Ok(Built {
        project,
        types,
        duration_ms: start.elapsed().as_millis(),
        runtime,
    })
}
