//! Writes what a compilation leaves in the project: bundles and generated definitions.

use std::{fs, io, path::Path};

use serde_json::Value;

use crate::{
    compile::Project,
    definition::{Detail, functions_json, nango_json},
};

/// Writes `build/*.cjs`, `.nango/nango.json` and, when there are experimental functions, `.nango/functions.json`.
///
/// Bundles of functions that no longer exist are removed, other files are left alone.
pub fn write(project: &Project) -> io::Result<()> {
    let build = project.root.join("build");
    fs::create_dir_all(&build)?;
    let names: Vec<String> = project
        .functions
        .iter()
        .map(|function| function.entry.bundle_name())
        .collect();
    for file in fs::read_dir(&build)?.flatten() {
        let name = file.file_name();
        let stale = name
            .to_str()
            .is_some_and(|name| name.ends_with(".cjs") && !names.iter().any(|known| known == name));
        if stale {
            fs::remove_file(file.path())?;
        }
    }
    for (function, name) in project.functions.iter().zip(&names) {
        write_changed(&build.join(name), &function.js)?;
    }
    let generated = project.root.join(".nango");
    fs::create_dir_all(&generated)?;
    let definitions = project.functions.iter().map(|function| &function.definition);
    write_changed(&generated.join("nango.json"), &pretty(&nango_json(definitions.clone())))?;
    if definitions
        .clone()
        .any(|definition| matches!(definition.detail, Detail::Function(_)))
    {
        write_changed(&generated.join("functions.json"), &pretty(&functions_json(definitions)))?;
    }
    Ok(())
}

fn pretty(value: &Value) -> String {
    format!("{value:#}")
}

/// Leaves the file alone when it has this text already, so that watchers do not wake up for nothing.
fn write_changed(path: &Path, text: &str) -> io::Result<()> {
    if fs::read_to_string(path).is_ok_and(|old| old == text) {
        return Ok(());
    }
    fs::write(path, text)
}
