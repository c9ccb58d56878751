//! What a vendor documents about rates. The rate governor throttles before the vendor rejects.

use std::time::Duration;

/// One limit. All that apply to a call must have room; limits of the same name share one count, so that a vendor's
/// points can differ by method or path.
#[derive(Debug, Clone, PartialEq)]
pub struct Quota {
    /// Short name for logs (`search`, `burst`).
    pub name: String,
    /// Path patterns it covers, relative to the base URL; `*` stands for one segment, `**` for any number. Empty
    /// means every call.
    pub paths: Vec<String>,
    /// Path patterns it does not cover, though `paths` would.
    pub except: Vec<String>,
    /// Methods it covers; empty means all.
    pub methods: Vec<String>,
    /// Calls (or points) allowed per window.
    pub limit: u64,
    /// Length of the window; zero means that `limit` is a cap on calls in flight.
    pub window: Duration,
    /// What one call costs; 1 unless the vendor counts points.
    pub cost: u64,
    /// Whose calls share it.
    pub scope: QuotaScope,
}

impl Quota {
    /// Whether this is a cap on concurrent calls.
    #[must_use]
    pub fn is_concurrency(&self) -> bool {
        self.window.is_zero()
    }

    /// Whether a call counts against this limit. `path` begins with a slash and has no query.
    #[must_use]
    pub fn covers(&self, method: &str, path: &str) -> bool {
        let method_covered = self.methods.is_empty() || self.methods.iter().any(|one| one.eq_ignore_ascii_case(method));
        let matches_any = |patterns: &[String]| patterns.iter().any(|pattern| path_matches(pattern, path));
        method_covered && (self.paths.is_empty() || matches_any(&self.paths)) && !matches_any(&self.except)
    }
}

/// Whose calls share a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QuotaScope {
    /// One connection.
    #[default]
    Connection,
    /// All connections of an integration (the developer's app).
    Integration,
}

fn path_matches(pattern: &str, path: &str) -> bool {
    let pattern: Vec<&str> = pattern.trim_matches('/').split('/').collect();
    let path: Vec<&str> = path.trim_matches('/').split('/').collect();
    segments_match(&pattern, &path)
}

fn segments_match(pattern: &[&str], path: &[&str]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((&"**", rest)), _) => (0..=path.len()).any(|skip| segments_match(rest, path.get(skip..).unwrap_or(&[]))),
        (Some((&"*", rest)), Some((_, path))) => segments_match(rest, path),
        (Some((segment, rest)), Some((first, path))) => segment == first && segments_match(rest, path),
        (None, Some(_)) | (Some(_), None) => false,
    }
}
