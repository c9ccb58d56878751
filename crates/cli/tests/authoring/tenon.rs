//! Runs the binary.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

/// What a command left behind.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ran {
    /// The last line of the output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(self.stdout.trim().lines().last().unwrap_or(""))
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.stdout, self.stderr))
    }
}

/// Runs `tenon` in `dir` with a clean environment.
pub fn tenon(dir: &Path, host: Option<&str>, args: &[&str]) -> Ran {
    let of_host = |host| [("NANGO_HOSTPORT", host), ("NANGO_SECRET_KEY_DEV", "key-of-dev")];
    tenon_with(
        dir,
        host.map(of_host).as_ref().map_or(&[], |variables| variables.as_slice()),
        args,
    )
}

/// Runs `tenon` in `dir` with these variables and no others.
pub fn tenon_with(dir: &Path, variables: &[(&str, &str)], args: &[&str]) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tenon"));
    command.args(args).current_dir(dir).env_clear().stdin(Stdio::null());
    if let Some(path) = option_env!("PATH") {
        command.env("PATH", path);
    }
    command.envs(variables.iter().copied());
    let output = command.output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A folder with files.
pub fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

/// A copy of a folder that may be written to.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::write(target, std::fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}
