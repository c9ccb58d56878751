//! Lists the provider files and the ids in them, so that the binary carries both and reads a file only when one of its
//! entries is asked for. Ids are found by their headings; a test compares them with what the real parser finds.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
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
