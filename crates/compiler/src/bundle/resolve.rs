//! From a relative import to a file of the project.

use std::path::Path;

/// Why an import leads nowhere.
#[derive(Debug, PartialEq, Eq)]
pub enum Unresolved {
    /// No such file.
    Missing,
    /// The file is outside the project folder.
    Outside,
    /// A kind of file that cannot be part of a bundle.
    Unsupported,
    /// The importer is all there is.
    Alone,
}

/// The path (inside the project) of the file that `specifier` means when imported by `importer`.
///
/// TypeScript names the file that it would emit, so `./x.js` is looked for as `./x.ts` first.
pub fn resolve(root: &Path, importer: &str, specifier: &str) -> Result<String, Unresolved> {
    let folder = importer.rsplit_once('/').map_or("", |(folder, _)| folder);
    let path = join(folder, specifier).ok_or(Unresolved::Outside)?;
    let candidates = candidates(&path);
    let Some(found) = candidates.into_iter().find(|candidate| root.join(candidate).is_file()) else {
        return Err(Unresolved::Missing);
    };
    let real = root.join(&found).canonicalize().map_err(|_| Unresolved::Missing)?;
    if !real.starts_with(root.canonicalize().unwrap_or_else(|_| root.to_path_buf())) {
        return Err(Unresolved::Outside);
    }
    let supported = [".ts", ".mts", ".js", ".mjs", ".json"]
        .iter()
        .any(|suffix| found.ends_with(suffix));
    if supported && !found.ends_with(".d.ts") {
        Ok(found)
    } else {
        Err(Unresolved::Unsupported)
    }
}

fn join(folder: &str, specifier: &str) -> Option<String> {
    let mut segments: Vec<&str> = folder.split('/').filter(|segment| !segment.is_empty()).collect();
    for segment in specifier.split('/') {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop()?;
            }
            name => segments.push(name),
        }
    }
    Some(segments.join("/"))
}

fn candidates(path: &str) -> Vec<String> {
    let mut candidates = Vec::new();
    for (emitted, written) in [(".js", ".ts"), (".mjs", ".mts"), (".jsx", ".tsx")] {
        if let Some(stem) = path.strip_suffix(emitted) {
            candidates.push(format!("{stem}{written}"));
        }
    }
    if !path.is_empty() {
        candidates.push(path.to_owned());
        candidates
            .extend([".ts", ".mts", ".tsx", ".js", ".mjs", ".json"].map(|extension| format!("{path}{extension}")));
    }
    let folder = if path.is_empty() {
        String::new()
    } else {
        format!("{path}/")
    };
    candidates.extend(["index.ts", "index.mts", "index.js", "index.mjs"].map(|index| format!("{folder}{index}")));
    candidates
}
