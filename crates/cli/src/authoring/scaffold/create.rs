//! One new function in an existing project.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail};
use tenon_compiler::{Folder, Kind};

use super::files::write;

/// A function to be made.
#[derive(Debug)]
pub struct New<'n> {
    /// What it is.
    pub kind: Kind,
    /// Integration that it belongs to.
    pub integration: &'n str,
    /// Its name.
    pub name: &'n str,
}

/// Writes the file and adds it to `index.ts`. Answers the path inside the project.
pub fn create(dir: &Path, new: &New<'_>) -> Result<String> {
    check_name("integration", new.integration)?;
    check_name("function", new.name)?;
    let index = dir.join("index.ts");
    if !index.is_file() {
        bail!(
            "there is no index.ts in {}: run `tenon init` first, or name the project with --dir",
            dir.display()
        );
    }
    let (folder, stub) = match new.kind {
        Kind::Sync => (Folder::Syncs, include_str!("files/stub-sync.ts")),
        Kind::Action => (Folder::Actions, include_str!("files/stub-action.ts")),
        Kind::OnEvent => (Folder::OnEvents, include_str!("files/stub-on-event.ts")),
        Kind::Function => (Folder::Functions, include_str!("files/stub-function.ts")),
    };
    let stem = format!("{}/{}/{}", new.integration, folder.name(), new.name);
    let path = format!("{stem}.ts");
    let target = dir.join(&path);
    if target.exists() {
        bail!("{path} exists");
    }
    write(
        &target,
        &stub
            .replace("__MODEL__", &model_name(new.name))
            .replace("__NAME__", new.name),
    )?;

    list_function(&index, &stem)?;
    Ok(path)
}

/// Refuses names that cannot be a folder, a file and a key on the server.
pub(super) fn check_name(what: &str, name: &str) -> Result<()> {
    let valid = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    if !valid {
        bail!("`{name}` cannot be the name of a {what}: use letters, digits, `-` and `_`");
    }
    Ok(())
}

/// Adds a function to `index.ts`, unless it is listed already. `stem` is its path without the suffix.
pub(super) fn list_function(index: &Path, stem: &str) -> Result<()> {
    let mut list = fs::read_to_string(index).context("index.ts cannot be read")?;
    let listed = ["'", "\""].into_iter().any(|quote| {
        [".js", ""]
            .into_iter()
            .any(|suffix| list.contains(&format!("{quote}./{stem}{suffix}{quote}")))
    });
    if listed {
        return Ok(());
    }
    if !list.is_empty() && !list.ends_with('\n') {
        list.push('\n');
    }
    list.push_str(&format!("import './{stem}.js';\n"));
    fs::write(index, list).context("index.ts cannot be written")
}

/// `open-tickets` → `OpenTicket`: the model of one record.
fn model_name(function: &str) -> String {
    let mut name = String::new();
    for word in function
        .split(|c: char| !c.is_ascii_alphanumeric())
        .filter(|word| !word.is_empty())
    {
        let (first, rest) = word.split_at(1);
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    let singular = name
        .strip_suffix('s')
        .filter(|stem| stem.len() > 2 && !stem.ends_with('s'))
        .unwrap_or(&name);
    if singular.starts_with(|c: char| c.is_ascii_uppercase()) && singular.len() > 1 {
        singular.to_owned()
    } else {
        format!("Model{singular}")
    }
}
