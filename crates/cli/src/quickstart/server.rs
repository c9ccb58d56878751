//! The server as a child process, so that its memory can be told apart from the demonstration's.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

const READY_WITHIN: Duration = Duration::from_secs(30);
const STOP_WITHIN: Duration = Duration::from_secs(15);
const SAMPLE_EVERY: Duration = Duration::from_millis(500);

/// A running `tenon serve`.
pub struct Server {
    child: Child,
    url: String,
    ready_after: Duration,
    log: PathBuf,
    memory: Arc<Memory>,
    sampler: tokio::task::JoinHandle<()>,
}

/// Resident memory in kilobytes: the server with its workers.
#[derive(Debug, Default)]
pub struct Memory {
    start: AtomicU64,
    peak: AtomicU64,
    last: AtomicU64,
}

/// A reading of [`Memory`] in megabytes; zero where `/proc` does not exist.
#[derive(Debug, Clone, Copy)]
pub struct MemoryReading {
    /// Right after the start.
    pub start_mb: u64,
    /// The most that was seen.
    pub peak_mb: u64,
    /// At the end.
    pub end_mb: u64,
}

impl Server {
    /// Starts the server on loopback and waits until it answers.
    pub async fn start(data_dir: &Path, port: u16) -> Result<Self> {
        let port = if port == 0 { free_port()? } else { port };
        let url = format!("http://127.0.0.1:{port}");
        let log = data_dir.join("server.log");
        let file = fs::File::create(&log).with_context(|| format!("{} cannot be written", log.display()))?;
        let errors = file.try_clone().context("the server's log cannot be opened twice")?;
        let program = std::env::current_exe().context("the path of this program")?;
        let started = Instant::now();
        let child = Command::new(program)
            .arg("serve")
            .arg("--data-dir")
            .arg(data_dir)
            .args([
                "--host",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--allow-private-addresses",
                "--providers-dir",
            ])
            .arg(data_dir.join("providers"))
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(errors)
            .kill_on_drop(true)
            .spawn()
            .context("the server cannot be started")?;
        let memory = Arc::new(Memory::default());
        let sampler = tokio::spawn(sample(child.id(), Arc::clone(&memory)));
        let mut server = Self {
            child,
            url,
            ready_after: Duration::ZERO,
            log,
            memory,
            sampler,
        };
        server.wait_until_ready(started).await?;
        server.ready_after = started.elapsed();
        server
            .memory
            .start
            .store(server.memory.last.load(Ordering::Relaxed), Ordering::Relaxed);
        Ok(server)
    }

    async fn wait_until_ready(&mut self, started: Instant) -> Result<()> {
        let http = super::client::http()?;
        loop {
            if let Some(status) = self.child.try_wait().context("the server's state")? {
                bail!("the server ended at once ({status}):\n{}", self.last_lines(15));
            }
            let answer = http
                .get(format!("{}/health", self.url))
                .timeout(Duration::from_secs(2))
                .send()
                .await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                note(self.child.id(), &self.memory);
                return Ok(());
            }
            if started.elapsed() > READY_WITHIN {
                bail!(
                    "the server did not answer within {READY_WITHIN:?}:\n{}",
                    self.last_lines(15)
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Its address.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Time from the start of the process to the first answer.
    pub fn ready_after(&self) -> Duration {
        self.ready_after
    }

    /// Memory so far.
    pub fn memory(&self) -> MemoryReading {
        note(self.child.id(), &self.memory);
        let mb = |value: &AtomicU64| value.load(Ordering::Relaxed) / 1024;
        MemoryReading {
            start_mb: mb(&self.memory.start),
            peak_mb: mb(&self.memory.peak),
            end_mb: mb(&self.memory.last),
        }
    }

    /// The end of its log.
    pub fn last_lines(&self, count: usize) -> String {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines
            .get(lines.len().saturating_sub(count)..)
            .unwrap_or_default()
            .join("\n")
    }

    /// Waits until it ends by itself.
    pub async fn wait(&mut self) -> Result<()> {
        let status = self.child.wait().await.context("the server's state")?;
        bail!("it ended with {status}:\n{}", self.last_lines(15))
    }

    /// Asks it to stop, and insists after a while.
    pub async fn stop(&mut self) {
        self.sampler.abort();
        if let Some(id) = self.child.id().and_then(|id| i32::try_from(id).ok()) {
            // `kill` the program and not the call: this crate forbids unsafe code.
            let asked = Command::new("kill").arg("-TERM").arg(id.to_string()).status().await;
            if asked.is_ok_and(|status| status.success())
                && tokio::time::timeout(STOP_WITHIN, self.child.wait()).await.is_ok()
            {
                return;
            }
        }
        // It is going away already, or is killed here.
        let _ = self.child.kill().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.sampler.abort();
    }
}

fn free_port() -> Result<u16> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr().context("the address of a port")?.port())
}

async fn sample(process: Option<u32>, memory: Arc<Memory>) {
    loop {
        note(process, &memory);
        tokio::time::sleep(SAMPLE_EVERY).await;
    }
}

fn note(process: Option<u32>, memory: &Memory) {
    let Some(process) = process else { return };
    let kilobytes = resident(process) + children(process).into_iter().map(resident).sum::<u64>();
    if kilobytes > 0 {
        memory.last.store(kilobytes, Ordering::Relaxed);
        memory.peak.fetch_max(kilobytes, Ordering::Relaxed);
    }
}

/// Proportional set size, which counts shared pages once; resident size where that is not available.
fn resident(process: u32) -> u64 {
    field(&format!("/proc/{process}/smaps_rollup"), "Pss:")
        .or_else(|| field(&format!("/proc/{process}/status"), "VmRSS:"))
        .unwrap_or(0)
}

fn field(path: &str, name: &str) -> Option<u64> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

fn children(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task"))
        .into_iter()
        .flatten()
        .flatten();
    tasks
        .filter_map(|task| fs::read_to_string(task.path().join("children")).ok())
        .flat_map(|text| {
            text.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<u32>>()
        })
        .collect()
}
