//! The command as a process.

use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

#[test]
fn a_reader_that_has_gone_ends_the_command_without_a_report() {
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let ended = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .arg("config")
        .stdout(writer)
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(141));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
}

#[cfg(target_os = "linux")]
#[test]
fn memory_comes_in_small_pages() {
    let mut sim = Command::new(env!("CARGO_BIN_EXE_tenon"))
        .args(["sim", "hubspot", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(sim.stdout.take().unwrap()).read_line(&mut line).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{}/status", sim.id())).unwrap();
    sim.kill().unwrap();
    sim.wait().unwrap();
    assert!(status.contains("THP_enabled:\t0"), "{line}{status}");
}
