//! Versions: of the command line that deploys, and of functions.

use crate::{Error, Result};

/// The oldest command line whose requests we understand.
const CLI_MIN: (u64, u64, u64) = (0, 39, 25);

/// Refuses command lines that are too old. Other clients pass.
pub fn check_cli_version(user_agent: Option<&str>) -> Result<()> {
    let Some(agent) = user_agent.and_then(|text| text.split_whitespace().next()) else {
        return Ok(());
    };
    let Some(version) = agent.strip_prefix("nango-cli/") else {
        return Ok(());
    };
    // Pre-releases count as their release.
    let plain = version.split(['-', '+']).next().unwrap_or_default();
    match semver(plain) {
        Some(version) if version >= CLI_MIN => Ok(()),
        Some(_) => Err(Error::refuse(400, "invalid_cli_version").message(format!(
            "This endpoint requires a CLI version >= 0.39.25 (current: {agent})"
        ))),
        None => Ok(()),
    }
}

fn semver(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.split('.').map(|part| part.parse::<u64>().ok());
    let version = (parts.next()??, parts.next()??, parts.next()??);
    parts.next().is_none().then_some(version)
}

/// The version after `previous`: the next number, the next patch level (of a pre-release its release), or for anything else
/// its last number plus one. The first one is `1`.
pub(in crate::functions) fn bump(previous: Option<&str>) -> String {
    let Some(previous) = previous.filter(|version| !version.is_empty()) else {
        return "1".to_owned();
    };
    if let Ok(number) = previous.parse::<u64>() {
        return number.saturating_add(1).to_string();
    }
    if let Some((major, minor, patch)) = semver(previous) {
        return format!("{major}.{minor}.{}", patch.saturating_add(1));
    }
    if let Some((release, _)) = previous.split_once('-')
        && semver(release).is_some()
    {
        return release.to_owned();
    }
    let digits = previous.len() - previous.trim_end_matches(|c: char| c.is_ascii_digit()).len();
    let (head, tail) = previous.split_at(previous.len() - digits);
    match tail.parse::<u64>() {
        Ok(number) => format!("{head}{}", number.saturating_add(1)),
        Err(_) => format!("{previous}.1"),
    }
}
