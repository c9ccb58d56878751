//! The modules of Node: which of them functions have.

use crate::checks;

/// How a module of Node can be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Builtin {
    /// From the sandbox, by `require`.
    Sandbox(&'static str),
    /// As a file that the compiler brings along: its path and text.
    Shim(&'static str, &'static str),
    /// Not at all.
    Absent,
}

/// Files that the compiler puts in the place of modules of Node; their paths begin like this.
pub const SHIM_PREFIX: &str = "node:";

/// The file that stands for "nothing", as packages ask for with `"browser": { "x": false }`.
pub const NOTHING: (&str, &str) = ("node:nothing", "");

const SHIMS: [(&str, &str, &str); 8] = [
    ("assert", "node:assert", include_str!("../../../js/assert.js")),
    ("events", "node:events", include_str!("../../../js/events.js")),
    ("path", "node:path", include_str!("../../../js/path.js")),
    ("process", "node:process", include_str!("../../../js/process.js")),
    (
        "querystring",
        "node:querystring",
        include_str!("../../../js/querystring.js"),
    ),
    (
        "string_decoder",
        "node:string_decoder",
        include_str!("../../../js/string_decoder.js"),
    ),
    ("timers", "node:timers", include_str!("../../../js/timers.js")),
    ("util", "node:util", include_str!("../../../js/util.js")),
];

const OTHERS: [&str; 32] = [
    "async_hooks",
    "child_process",
    "cluster",
    "console",
    "constants",
    "dgram",
    "diagnostics_channel",
    "dns",
    "domain",
    "fs",
    "fs/promises",
    "http",
    "http2",
    "https",
    "inspector",
    "module",
    "net",
    "os",
    "path/posix",
    "perf_hooks",
    "punycode",
    "readline",
    "repl",
    "stream",
    "stream/promises",
    "sys",
    "timers/promises",
    "tls",
    "tty",
    "vm",
    "worker_threads",
    "zlib",
];

/// What `name` (without `node:`) is, if it is a module of Node.
fn plain(name: &str) -> Option<Builtin> {
    if let Some((_, path, text)) = SHIMS.iter().find(|(shim, ..)| *shim == name) {
        return Some(Builtin::Shim(path, text));
    }
    match name {
        "crypto" => Some(Builtin::Sandbox("crypto")),
        "url" => Some(Builtin::Sandbox("url")),
        "buffer" => Some(Builtin::Sandbox("buffer")),
        other if OTHERS.contains(&other) => Some(Builtin::Absent),
        _ => None,
    }
}

/// What `specifier` is, if it is a module of Node, with or without `node:`.
pub fn builtin(specifier: &str) -> Option<Builtin> {
    match specifier.strip_prefix("node:") {
        Some(name) => Some(plain(name).unwrap_or(Builtin::Absent)),
        None => plain(specifier),
    }
}

/// The text of a file that the compiler brings along.
pub fn shim_text(path: &str) -> Option<&'static str> {
    if path == NOTHING.0 {
        return Some(NOTHING.1);
    }
    SHIMS
        .iter()
        .find(|(_, shim, _)| *shim == path)
        .map(|(_, _, text)| *text)
}

/// The package that the sandbox itself gives for `specifier`, whoever asks.
pub fn of_sandbox(specifier: &str) -> Option<&'static str> {
    match specifier {
        // The edition of Zod that the sandbox has, under the name that older projects use for it.
        "zod/v4" => Some("zod"),
        other => checks::ALLOWED_PACKAGES
            .iter()
            .copied()
            .find(|allowed| *allowed == other),
    }
}
