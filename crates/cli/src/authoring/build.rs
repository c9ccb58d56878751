//! Compiles a project with workers of this very binary, and checks its types when it has TypeScript.

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    time::Instant,
};

use anyhow::{Context, Result};
use tenon_compiler::{Project, Sandbox, compile_project};
use tenon_runtime::{Runtime, RuntimeConfig};
use tokio::process::Command;

use super::terminal::Terminal;

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

/// The outcome of type checking.
pub struct Types {
    /// Whether there were no errors.
    pub ok: bool,
    /// What the type checker printed.
    pub output: String,
}

impl Built {
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
pub async fn build(dir: &Path, typecheck: bool, terminal: Terminal) -> Result<Built> {
    let start = Instant::now();
    let runtime = start_runtime()?;
    let sandbox = Sandbox::new(runtime.clone(), "authoring");
    let folder: PathBuf = dir.to_path_buf();
    let compiling = tokio::task::spawn_blocking(move || compile_project(&folder, &sandbox));
    let types = async {
        if typecheck {
            check_types(dir, terminal).await
        } else {
            None
        }
    };
    let (project, types) = tokio::join!(compiling, types);
    let project = project.context("the compiler stopped")?;
    Ok(Built {
        project,
        types,
        duration_ms: start.elapsed().as_millis(),
        runtime,
    })
}

/// Runs the project's own TypeScript, if it has one and there is a Node to run it.
async fn check_types(dir: &Path, terminal: Terminal) -> Option<Types> {
    let program = dir.join("node_modules/.bin/tsc");
    if !program.exists() || !dir.join("tsconfig.json").is_file() {
        return None;
    }
    let pretty = if terminal.has_colour() { "true" } else { "false" };
    let output = Command::new(program)
        .args(["--noEmit", "--pretty", pretty, "-p", "tsconfig.json"])
        .current_dir(dir)
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .ok()?;
    let text = [output.stdout, output.stderr].concat();
    Some(Types {
        ok: output.status.success(),
        output: String::from_utf8_lossy(&text).trim_end().to_owned(),
    })
}
