//! What a thread can still do after the sandbox closed, tried in a process of its own.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::process::Command;

/// An argument of the test harness without effect here; the child is recognised by it.
const CHILD: &str = "--color=never";

fn denied<T>(result: std::io::Result<T>) -> bool {
    result.is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
}

fn probe() -> i32 {
    let before = File::open("/etc/passwd").is_ok() && UdpSocket::bind("127.0.0.1:0").is_ok();
    if !before || super::close(1 << 32).is_err() {
        return 100;
    }
    let tries = [
        denied(File::open("/etc/passwd")),
        denied(File::create("/tmp/tenon-sandbox-probe")),
        denied(fs::read_dir("/").map(drop)),
        denied(fs::metadata("/")),
        denied(TcpStream::connect("127.0.0.1:9")),
        denied(TcpListener::bind("127.0.0.1:0")),
        denied(UdpSocket::bind("127.0.0.1:0")),
        denied(UnixStream::connect("/run/anything")),
        denied(UnixStream::pair()),
        denied(Command::new("/bin/true").status()),
        denied(std::thread::Builder::new().spawn(|| {}).map(drop)),
    ];
    tries
        .iter()
        .position(|denied| !denied)
        .map_or(0, |index| index as i32 + 1)
}

#[test]
fn everything_outside_is_denied() {
    if std::env::args().any(|argument| argument == CHILD) {
        std::process::exit(probe());
    }
    let name = "worker::sandbox::tests::everything_outside_is_denied";
    let exe = std::env::current_exe().expect("path");
    let status = Command::new(exe)
        .args(["--exact", name, "--nocapture", CHILD])
        .status()
        .expect("child");
    assert_eq!(
        status.code(),
        Some(0),
        "the number is the first attempt that was not denied"
    );
}
