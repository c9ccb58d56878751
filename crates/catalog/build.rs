//! Lists the provider files and the ids in them, so that the binary carries both and reads a file only when one of its
//! entries is asked for. Ids are found by their headings; a test compares them with what the real parser finds.
//!
//! Also lists the function templates of `templates/` with their fixtures.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    list_templates(&manifest.join("../../templates"))?;
    let folder = manifest.join("../../providers");
    println!("cargo:rerun-if-changed={}", folder.display());

    let listing = fs::read_dir(&folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut files: Vec<PathBuf> = listing.collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();

    let mut names = String::new();
    let mut entries = Vec::new();
    for (index, path) in files.iter().enumerate() {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let path = path.canonicalize()?;
        println!("cargo:rerun-if-changed={}", path.display());
        let path_text = path.display().to_string();
        writeln!(
            names,
            "    ({:?}, include_str!({path_text:?})),",
            format!("providers/{name}")
        )
        .map_err(io::Error::other)?;
        entries.extend(
            ids(&fs::read_to_string(&path)?)
                .into_iter()
                .map(|(id, synonyms)| (id, synonyms, index)),
        );
    }
    entries.sort();

    let mut out =
        String::from("/// Name and text of every file in `providers/`.\npub const FILES: &[(&str, &str)] = &[\n");
    out.push_str(&names);
    out.push_str("];\n/// Id, other names and file of every entry, by id.\n");
    out.push_str("pub const ENTRIES: &[(&str, &[&str], usize)] = &[\n");
    for (id, synonyms, file) in entries {
        writeln!(out, "    ({id:?}, &{synonyms:?}, {file}),").map_err(io::Error::other)?;
    }
    out.push_str("];\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("files.rs"), out)
}

/// Writes every function below `<provider>/syncs` and `<provider>/actions` with the fixtures that have its name, or its
/// name and more: `events-expired-token` is of `events`.
fn list_templates(library: &Path) -> io::Result<()> {
    println!("cargo:rerun-if-changed={}", library.display());
    let mut out = String::from("/// Provider, folder, name, source and fixtures of every template, by provider.\n");
    out.push_str("#[rustfmt::skip]\npub const LIBRARY: &[FunctionTemplate] = &[\n");
    for provider in entries_of(library)?.into_iter().filter(|path| path.is_dir()) {
        let mut functions = Vec::new();
        for folder in ["syncs", "actions"] {
            for path in entries_of(&provider.join(folder)).unwrap_or_default() {
                if let Some(name) = name_of(&path).strip_suffix(".ts") {
                    functions.push((folder, name.to_owned(), path.clone()));
                }
            }
        }
        let fixtures = entries_of(&provider.join("tests")).unwrap_or_default();
        for (folder, name, path) in &functions {
            writeln!(
                out,
                "    FunctionTemplate {{ provider: {:?}, folder: {folder:?}, name: {name:?}, source: include_str!({:?}), fixtures: &[",
                name_of(&provider),
                embedded(path)?
            )
            .map_err(io::Error::other)?;
            for fixture in &fixtures {
                let file = name_of(fixture);
                let stem = file.trim_end_matches(".test.json");
                let fits =
                    |name: &str| stem == name || stem.strip_prefix(name).is_some_and(|rest| rest.starts_with('-'));
                let longest = functions
                    .iter()
                    .map(|(_, name, _)| name)
                    .filter(|name| fits(name))
                    .max_by_key(|name| name.len());
                if longest == Some(name) {
                    writeln!(out, "        ({file:?}, include_str!({:?})),", embedded(fixture)?)
                        .map_err(io::Error::other)?;
                }
            }
            out.push_str("    ] },\n");
        }
    }
    out.push_str("];\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("library.rs"), out)
}

fn entries_of(folder: &Path) -> io::Result<Vec<PathBuf>> {
    println!("cargo:rerun-if-changed={}", folder.display());
    let listing = fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path()));
    let mut entries: Vec<PathBuf> = listing.collect::<Result<_, _>>()?;
    entries.sort();
    Ok(entries)
}

fn name_of(path: &Path) -> String {
    path.file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// The path as `include_str!` finds it; the file is watched.
fn embedded(path: &Path) -> io::Result<String> {
    let path = path.canonicalize()?;
    println!("cargo:rerun-if-changed={}", path.display());
    Ok(path.display().to_string())
}

/// Ids of a file with their other names: `[id]`, and `[id.env.name]` with an `id` of its own or `id-name`, which is also
/// `id@name`; and `synonyms` on one line.
fn ids(text: &str) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    let mut in_environment = false;
    for line in text.lines().map(str::trim) {
        if let Some(heading) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            in_environment = false;
            let parts: Vec<&str> = heading.split('.').collect();
            match parts.as_slice() {
                ["vendor"] => {}
                [id] if !id.starts_with('[') => found.push(((*id).to_owned(), Vec::new())),
                [id, "env", name] => {
                    in_environment = true;
                    found.push((format!("{id}-{name}"), vec![format!("{id}@{name}")]));
                }
                _ => {}
            }
        } else if in_environment
            && let Some(own) = line.strip_prefix("id = \"").and_then(|rest| rest.strip_suffix('"'))
            && let Some(last) = found.last_mut()
        {
            last.0 = own.to_owned();
        } else if let Some(names) = line
            .strip_prefix("synonyms = [")
            .and_then(|rest| rest.strip_suffix(']'))
            && let Some(last) = found.last_mut()
        {
            last.1
                .extend(names.split(',').map(|name| name.trim().trim_matches('"').to_owned()));
        }
    }
    found
}

fn variable(name: &str) -> io::Result<String> {
    // Cargo speaks to build scripts through the environment; there is no other way to ask.
    #[expect(
        clippy::disallowed_methods,
        reason = "build scripts are configured by cargo's environment"
    )]
    std::env::var(name).map_err(io::Error::other)
}
