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

/// A function that was made.
#[derive(Debug)]
pub struct Created {
    /// Its path inside the project.
    pub path: String,
    /// Whether `index.ts` lists it; a folder without one is a bare folder of integrations.
    pub listed: bool,
}

/// Writes the file and adds it to `index.ts`, when there is one.
pub fn create(dir: &Path, new: &New<'_>) -> Result<Created> {
    check_name("integration", new.integration)?;
    check_name("function", new.name)?;
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

    let listed = list_function(dir, &stem)? != Listed::Nowhere;
    Ok(Created { path, listed })
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

/// What became of the line of a function in `index.ts`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listed {
    /// There is no index: a bare folder of integrations, where every function counts.
    Nowhere,
    /// It was there.
    Before,
    /// It was added.
    Now,
}

/// Adds a function to `index.ts`, when there is one that does not list it. `stem` is its path without the suffix.
pub fn list_function(dir: &Path, stem: &str) -> Result<Listed> {
    let index = dir.join("index.ts");
    if !index.is_file() {
        return Ok(Listed::Nowhere);
    }
    let mut list = fs::read_to_string(&index).context("index.ts cannot be read")?;
    let listed = ["'", "\""].into_iter().any(|quote| {
        [".js", ""]
            .into_iter()
            .any(|suffix| list.contains(&format!("{quote}./{stem}{suffix}{quote}")))
    });
    if listed {
        return Ok(Listed::Before);
    }
    if !list.is_empty() && !list.ends_with('\n') {
        list.push('\n');
    }
    list.push_str(&index_line(stem));
    fs::write(index, list).context("index.ts cannot be written")?;
    Ok(Listed::Now)
}

/// The line of `index.ts` that lists the function at `stem`.
pub(super) fn index_line(stem: &str) -> String {
    format!("import './{stem}.js';\n")
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
