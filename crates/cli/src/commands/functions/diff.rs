//! `tenon functions diff`: the deployed source and the project's, or two versions.

use std::process::ExitCode;

use anyhow::{Context, Result};
use serde_json::{Value, json};

use super::named::Named;
use super::{items, text, version_title};
use crate::authoring::client::Client;
use crate::authoring::lines::{Line, compare};
use crate::authoring::settings::EnvironmentArgs;
use crate::authoring::terminal::{Style, Terminal, note, plain, say};
use crate::failure::Failure;

/// A source to compare, and where it is from.
struct Compared {
    code: String,
    /// Version and hash on the server; nothing of the project's source.
    version: Value,
    title: String,
}

async fn source(client: &Client, named: &Named, version: Option<&str>) -> Result<Compared> {
    // The answer names the version only when one was asked for.
    let current = match version {
        Some(_) => None,
        None => current_hash(client, named).await,
    };
    let answer = named.get(client, "/code", version.or(current.as_deref())).await?;
    Ok(Compared {
        code: text(&answer, "code").to_owned(),
        version: json!({ "version": answer["version"], "hash": answer["hash"] }),
        title: version_title(&answer, "version", "hash"),
    })
}

/// Hash of what is deployed; none where a server does not tell it.
async fn current_hash(client: &Client, named: &Named) -> Option<String> {
    let versions = items(&named.get(client, "/versions", None).await.ok()?, "data");
    let current = versions.iter().find(|version| version["current"] == json!(true))?;
    Some(text(current, "hash").to_owned()).filter(|hash| !hash.is_empty())
}

/// The source in the project: in the folder that the function's kind belongs in.
fn local(named: &Named, common: &EnvironmentArgs) -> Result<Compared> {
    let folders = ["syncs", "actions", "on-events", "functions"];
    let file = folders
        .iter()
        .map(|folder| {
            common
                .dir
                .join(&named.function.integration)
                .join(folder)
                .join(format!("{}.ts", named.function.name))
        })
        .find(|file| file.is_file());
    let file = file.ok_or_else(|| {
        Failure::not_found(format!(
            "the project in {} has no function {}; name two versions to compare those",
            common.dir.display(),
            named.title()
        ))
    })?;
    let code = std::fs::read_to_string(&file).with_context(|| format!("{} cannot be read", file.display()))?;
    Ok(Compared {
        code,
        version: Value::Null,
        title: "the project's source".to_owned(),
    })
}

/// Runs the command.
pub(super) async fn run(
    named: &Named,
    old: Option<&str>,
    new: Option<&str>,
    common: &EnvironmentArgs,
    terminal: Terminal,
) -> Result<ExitCode> {
    let client = common.client()?;
    let before = source(&client, named, old).await?;
    let after = match new {
        Some(version) => source(&client, named, Some(version)).await?,
        None => local(named, common)?,
    };
    let lines = compare(&before.code, &after.code);
    if common.json {
        let list: Vec<Value> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Old(text) => Some(json!({ "removed": text })),
                Line::New(text) => Some(json!({ "added": text })),
                Line::Same(_) | Line::Skipped(_) => None,
            })
            .collect();
        let (old, new) = (before.version, after.version);
        say(&json!({ "equal": lines.is_empty(), "old": old, "new": new, "changes": list }).to_string());
    } else if lines.is_empty() {
        let (before, after) = (plain(&before.title), plain(&after.title));
        note(&format!("No difference: {before} and {after} are the same."));
    } else {
        say(&terminal.paint(Style::Red, &format!("--- {}", before.title)));
        say(&terminal.paint(Style::Green, &format!("+++ {}", after.title)));
        for line in &lines {
            say(&match line {
                Line::Same(text) => format!("  {}", plain(text)),
                Line::Old(text) => terminal.paint(Style::Red, &format!("- {text}")),
                Line::New(text) => terminal.paint(Style::Green, &format!("+ {text}")),
                Line::Skipped(count) => terminal.paint(Style::Dim, &format!("  … {count} equal lines")),
            });
        }
    }
    Ok(if lines.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
