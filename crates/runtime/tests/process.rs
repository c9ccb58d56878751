//! The worker process as the kernel sees it while customer code runs in it.

mod support;

use std::fs;
use std::time::{Duration, Instant};

use support::*;
use tenon_runtime::Kind;
use tenon_runtime::protocol::HostReply;

fn children() -> Vec<String> {
    let mut found = Vec::new();
    for task in fs::read_dir("/proc/self/task").expect("tasks").flatten() {
        let list = fs::read_to_string(task.path().join("children")).unwrap_or_default();
        found.extend(list.split_whitespace().map(str::to_owned));
    }
    found
}

/// What is wrong with a process.
fn complaint(pid: &str) -> Result<(), String> {
    let read = |name: &str| fs::read_to_string(format!("/proc/{pid}/{name}")).unwrap_or_default();
    let status = read("status");
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name)).unwrap_or_default();
        line.split_whitespace().nth(1).unwrap_or_default().to_owned()
    };
    for (name, wanted) in [("Seccomp:", "2"), ("NoNewPrivs:", "1"), ("Threads:", "1")] {
        let found = field(name);
        if found != wanted {
            return Err(format!("{name} {found}"));
        }
    }
    if field("Uid:") == "0" {
        return Err("runs as root".into());
    }
    let limits = read("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core"))
        .unwrap_or_default();
    if core.split_whitespace().nth(4) != Some("0") {
        return Err(core.to_owned());
    }
    if !read("environ").is_empty() {
        return Err("has an environment".into());
    }
    // Readable for root only, because a worker is not dumpable.
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/fd")) else {
        return Ok(());
    };
    let target = |entry: fs::DirEntry| fs::read_link(entry.path()).map(|path| path.display().to_string());
    let mut descriptors: Vec<String> = entries.flatten().filter_map(|entry| target(entry).ok()).collect();
    descriptors.sort();
    match descriptors.as_slice() {
        [snapshot, socket] if snapshot.contains("memfd") && socket.contains("socket") => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

#[tokio::test]
async fn a_worker_holds_nothing_but_its_socket() {
    let rt = runtime();
    let host = Scripted::new(|_| {
        // A worker kept ready for the next tenant may still be starting; it gets a moment.
        let begun = Instant::now();
        loop {
            let pids = children();
            assert!(!pids.is_empty());
            let complaints: Vec<String> = pids.iter().filter_map(|pid| complaint(pid).err()).collect();
            if complaints.is_empty() {
                return Ok(HostReply::Json("null".into()));
            }
            assert!(begun.elapsed() < Duration::from_secs(10), "{complaints:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    });
    let out = rt
        .run(
            invocation(action("return await nango.getCheckpoint();"), Kind::Action, None),
            host,
        )
        .await;
    assert!(out.result.is_ok(), "{:?}", out.result);
}
