//! `tenon functions disable` and `enable`.

use std::process::ExitCode;

use anyhow::Result;
use http::Method;
use serde_json::json;

use super::named::Named;
use crate::authoring::settings::EnvironmentArgs;
use crate::authoring::terminal::{Style, Terminal, note, say};

/// Switches a function off or on.
pub(super) async fn run(
    named: &Named,
    enabled: bool,
    common: &EnvironmentArgs,
    terminal: Terminal,
) -> Result<ExitCode> {
    let client = common.client()?;
    let body = json!({ "enabled": enabled });
    named.change(&client, Method::PATCH, "", body).await?;
    if common.json {
        say(&json!({ "ok": true, "enabled": enabled }).to_string());
    } else {
        let word = if enabled { "on" } else { "off" };
        let sentence = format!("{} is {word} in the environment {}.", named.title(), common.environment);
        say(&terminal.paint(Style::Green, &sentence));
        if !enabled {
            note("Runs under way go on. Deploys leave it off; `tenon functions enable` switches it on again.");
        }
    }
    Ok(ExitCode::SUCCESS)
}
