//! CPU seconds and memory of a process and its children, from /proc.

use std::collections::HashMap;
use std::fs;

/// CPU seconds (user and system) and resident memory of a process tree.
#[derive(Debug, Clone, Copy, Default)]
pub struct Usage {
    /// User and system time of all live processes and of their ended children.
    pub cpu_seconds: f64,
    /// Proportional set size of all live processes in bytes (shared pages counted once).
    pub pss_bytes: u64,
    /// Peak resident memory of the first process in bytes.
    pub peak_bytes: u64,
}

fn ticks_per_second() -> f64 {
    // SAFETY: sysconf only reads a constant of the system.
    #[expect(unsafe_code, reason = "the one call into the C library")]
    let ticks = unsafe { libc::sysconf(libc::_SC_CLK_TCK) };
    if ticks > 0 { ticks as f64 } else { 100.0 }
}

/// Measures `root` and everything below it.
pub fn measure(root: u32) -> Usage {
    let mut children: HashMap<u32, Vec<u32>> = HashMap::new();
    let mut stats: HashMap<u32, f64> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        // The name may hold blanks, so fields are counted after its closing parenthesis.
        let Some((_, rest)) = stat.rsplit_once(") ") else {
            continue;
        };
        let fields: Vec<&str> = rest.split(' ').collect();
        let number = |index: usize| {
            fields
                .get(index)
                .and_then(|text| text.parse::<f64>().ok())
                .unwrap_or(0.0)
        };
        children.entry(number(1) as u32).or_default().push(pid);
        stats.insert(pid, number(11) + number(12) + number(13) + number(14));
    }
    let mut usage = Usage::default();
    let mut pending = vec![root];
    while let Some(pid) = pending.pop() {
        usage.cpu_seconds += stats.get(&pid).copied().unwrap_or(0.0) / ticks_per_second();
        usage.pss_bytes += kilobytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:") * 1024;
        pending.extend(children.get(&pid).into_iter().flatten());
    }
    usage.peak_bytes = kilobytes(&format!("/proc/{root}/status"), "VmHWM:") * 1024;
    usage
}

fn kilobytes(path: &str, field: &str) -> u64 {
    let text = fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(field));
    line.and_then(|line| line.split_whitespace().nth(1))
        .and_then(|number| number.parse().ok())
        .unwrap_or(0)
}
