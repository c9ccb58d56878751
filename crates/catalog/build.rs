//! Lists the provider files, so that the binary carries them.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{fs, io};

fn main() -> io::Result<()> {
    let manifest = PathBuf::from(variable("CARGO_MANIFEST_DIR")?);
    let folder = manifest.join("../../providers");
    println!("cargo:rerun-if-changed={}", folder.display());

    let mut files: Vec<PathBuf> = fs::read_dir(&folder)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();

    let mut out =
        String::from("/// Name and text of every file in `providers/`.\npub const FILES: &[(&str, &str)] = &[\n");
    for path in &files {
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let path = path.canonicalize()?;
        println!("cargo:rerun-if-changed={}", path.display());
        writeln!(
            out,
            "    ({:?}, include_str!({:?})),",
            format!("providers/{name}"),
            path.display().to_string()
        )
        .map_err(io::Error::other)?;
    }
    out.push_str("];\n");
    fs::write(Path::new(&variable("OUT_DIR")?).join("files.rs"), out)
}

fn variable(name: &str) -> io::Result<String> {
    // Cargo speaks to build scripts through the environment; there is no other way to ask.
    #[expect(
        clippy::disallowed_methods,
        reason = "build scripts are configured by cargo's environment"
    )]
    std::env::var(name).map_err(io::Error::other)
}
