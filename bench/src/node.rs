//! Node as the baseline of the function figures; its program is `bench/node/baseline.mjs`.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::cpu::{self, Usage};
use crate::load::Shot;

/// A running Node that executes functions.
pub struct Node {
    child: Child,
    authority: String,
    /// What `node --version` says.
    pub version: String,
}

fn peers() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../peers")
}

fn program() -> PathBuf {
    let pinned = peers().join("node_modules/.bin/node");
    if pinned.exists() { pinned } else { PathBuf::from("node") }
}

impl Node {
    /// Starts one that knows `functions` (name to code); `None` when Node or the npm packages of `peers/` are missing.
    pub fn start(functions: &Value) -> Result<Option<Self>> {
        let version = Command::new(program()).arg("--version").output();
        let (Ok(version), true) = (version, peers().join("node_modules/zod").exists()) else {
            return Ok(None);
        };
        let mut child = Command::new(program())
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("node/baseline.mjs"))
            .arg(peers().join("package.json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("node cannot be started")?;
        if let Some(mut input) = child.stdin.take() {
            input.write_all(functions.to_string().as_bytes())?;
        }
        let mut port = String::new();
        if let Some(output) = child.stdout.take() {
            BufReader::new(output).read_line(&mut port)?;
        }
        ensure!(!port.trim().is_empty(), "bench/node/baseline.mjs printed no port");
        Ok(Some(Self {
            child,
            authority: format!("127.0.0.1:{}", port.trim()),
            version: String::from_utf8_lossy(&version.stdout).trim().to_owned(),
        }))
    }

    /// Milliseconds from the start of a process to the first line that a function prints; the median of five.
    pub fn cold_start() -> Result<f64> {
        let mut times = Vec::new();
        for _ in 0..5 {
            let started = Instant::now();
            let mut child = Command::new(program())
                .args(["-e", "console.log('first line')"])
                .stdout(Stdio::piped())
                .spawn()?;
            if let Some(output) = child.stdout.take() {
                BufReader::new(output).read_line(&mut String::new())?;
            }
            times.push(started.elapsed().as_secs_f64() * 1e3);
            child.wait()?;
        }
        times.sort_by(f64::total_cmp);
        Ok(times[2])
    }

    /// A call of a function.
    pub fn call(&self, name: &str, input: &Value) -> Shot {
        Shot::post(&self.authority, &format!("/{name}"), input)
    }

    /// CPU and memory.
    pub fn usage(&self) -> Usage {
        cpu::measure(self.child.id())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
