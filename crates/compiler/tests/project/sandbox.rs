//! One sandbox for all tests of the program.

use std::{path::Path, sync::OnceLock};

use tenon_compiler::{Diagnostic, Project, Sandbox, compile_project};
use tenon_runtime::{Runtime, RuntimeConfig};

/// The Tokio runtime that drives the workers.
pub fn tokio() -> &'static tokio::runtime::Runtime {
    static TOKIO: OnceLock<tokio::runtime::Runtime> = OnceLock::new();
    TOKIO.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()
            .unwrap()
    })
}

/// Workers are copies of this program.
pub fn runtime() -> Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME
        .get_or_init(|| {
            let _entered = tokio().enter();
            Runtime::start(RuntimeConfig::new(std::env::current_exe().unwrap(), ["worker"])).unwrap()
        })
        .clone()
}

pub fn compile(dir: &Path) -> Project {
    let sandbox = {
        let _entered = tokio().enter();
        Sandbox::new(runtime(), "tests")
    };
    compile_project(dir, &sandbox)
}

pub fn render(diagnostics: &[Diagnostic]) -> String {
    diagnostics.iter().map(|diagnostic| diagnostic.render(false)).collect()
}

/// A project in a temporary folder.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}
