//! Relative paths of imports.

/// A relative path from the file `from`, as a path of the project without suffix.
pub(super) fn resolved(from: &str, specifier: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    let stem = [".js", ".ts", ".mjs"]
        .iter()
        .find_map(|suffix| specifier.strip_suffix(suffix));
    for part in stem.unwrap_or(specifier).split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// The path to `target` from the file `from`.
pub(super) fn relative(from: &str, target: &str) -> String {
    let mut here: Vec<&str> = from.split('/').collect();
    here.pop();
    let mut there: Vec<&str> = target.split('/').collect();
    while here.len() * there.len() > 0 && there.len() > 1 && here.first() == there.first() {
        here.remove(0);
        there.remove(0);
    }
    let up = if here.is_empty() {
        "./".to_owned()
    } else {
        "../".repeat(here.len())
    };
    format!("{up}{}", there.join("/"))
}
