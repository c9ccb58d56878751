//! `package.json`, as far as it says which file an import means.

use std::path::Path;

use regex::Regex;
use serde_json::{Map, Value};

/// How a package is asked for; packages may offer another file for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Asked {
    /// By an `import` or `export … from` declaration.
    Import,
    /// By a call of `require`.
    Require,
}

impl Asked {
    /// The conditions of `exports` that hold. Functions have no Node around them, so a package's edition for browsers is
    /// the one that can work.
    fn holds(self, condition: &str) -> bool {
        match condition {
            "default" | "browser" => true,
            "import" | "module" => self == Self::Import,
            "require" => self == Self::Require,
            _ => false,
        }
    }
}

/// What a field of `package.json` says about a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A path in the package (`./lib/x.js`) or, from `imports` and `browser`, another package.
    Path(String),
    /// Nothing: the package does without it here.
    Nothing,
}

/// What a `package.json` says.
#[derive(Debug, Default)]
pub struct Manifest {
    /// Whether its `.js` files are modules.
    pub is_module: bool,
    exports: Option<Value>,
    imports: Option<Value>,
    main: Option<String>,
    module: Option<String>,
    browser: Option<Value>,
    /// None: every file; otherwise those that match.
    side_effects: Option<Vec<Regex>>,
}

impl Manifest {
    /// Reads the text of a `package.json`; text that is no JSON object says nothing.
    pub fn read(text: &str) -> Self {
        let fields: Map<String, Value> = serde_json::from_str(text.trim_start_matches('\u{feff}')).unwrap_or_default();
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let side_effects = match fields.get("sideEffects") {
            Some(Value::Bool(false)) => Some(Vec::new()),
            Some(Value::Array(list)) => Some(list.iter().filter_map(|glob| glob_of(glob.as_str()?)).collect()),
            _ => None,
        };
        Self {
            is_module: text("type").as_deref() == Some("module"),
            exports: fields.get("exports").filter(|value| !value.is_null()).cloned(),
            imports: fields.get("imports").cloned(),
            main: text("main"),
            module: text("module"),
            browser: fields.get("browser").cloned(),
            side_effects,
        }
    }

    /// Whether a file (path in the package, no `./`) does something when it is loaded, whatever is taken from it.
    pub fn has_side_effects(&self, path: &str) -> bool {
        self.side_effects
            .as_ref()
            .is_none_or(|globs| globs.iter().any(|glob| glob.is_match(path)))
    }

    /// Whether `exports` decides what can be imported.
    pub fn has_exports(&self) -> bool {
        self.exports.is_some()
    }

    /// What `exports` gives for `.` or `./part`.
    pub fn export(&self, part: &str, asked: Asked) -> Option<Target> {
        let exports = self.exports.as_ref()?;
        match exports {
            Value::Object(map) if map.keys().any(|key| key.starts_with('.')) => by_key(map, part, asked),
            other if part == "." => choose(other, asked, None),
            _ => None,
        }
    }

    /// What `imports` gives for a name that begins with `#`.
    pub fn import(&self, name: &str, asked: Asked) -> Option<Target> {
        by_key(self.imports.as_ref()?.as_object()?, name, asked)
    }

    /// The files to try for the package itself, best first.
    pub fn entries(&self, asked: Asked) -> Vec<String> {
        let browser = self.browser.as_ref().and_then(Value::as_str).map(str::to_owned);
        let module = self.module.clone().filter(|_| asked == Asked::Import);
        [module, browser, self.main.clone(), Some("index".to_owned())]
            .into_iter()
            .flatten()
            .collect()
    }

    /// What the `browser` map puts in the place of `name`: a package, or a file as `./path`.
    pub fn replaced(&self, name: &str) -> Option<Target> {
        let map = self.browser.as_ref()?.as_object()?;
        let stem = name.strip_suffix(".js");
        let value = map
            .get(name)
            .or_else(|| map.get(stem?))
            .or_else(|| map.get(name.strip_prefix("./")?))
            .or_else(|| map.get(&format!("{name}.js")));
        match value? {
            Value::String(path) => Some(Target::Path(path.clone())),
            Value::Bool(false) => Some(Target::Nothing),
            _ => None,
        }
    }
}

/// The most specific key that fits; a `*` stands for any text.
fn by_key(map: &Map<String, Value>, name: &str, asked: Asked) -> Option<Target> {
    if let Some(value) = map.get(name) {
        return choose(value, asked, None);
    }
    let mut best: Option<(&str, &str, &Value)> = None;
    for (key, value) in map {
        let (before, after) = match key.split_once('*') {
            Some(halves) => halves,
            None if key.ends_with('/') => (key.as_str(), ""),
            None => continue,
        };
        let star = name
            .strip_prefix(before)
            .and_then(|rest| rest.strip_suffix(after))
            .filter(|star| !star.is_empty());
        if let Some(star) = star
            && best.is_none_or(|(longest, ..)| before.len() > longest.len())
        {
            best = Some((before, star, value));
        }
    }
    let (_, star, value) = best?;
    choose(value, asked, Some(star))
}

/// The first target whose conditions hold.
fn choose(value: &Value, asked: Asked, star: Option<&str>) -> Option<Target> {
    match value {
        Value::String(path) => Some(Target::Path(match star {
            Some(star) if path.contains('*') => path.replace('*', star),
            Some(star) if path.ends_with('/') => format!("{path}{star}"),
            _ => path.clone(),
        })),
        Value::Object(map) => map
            .iter()
            .filter(|(condition, _)| asked.holds(condition))
            .find_map(|(_, value)| choose(value, asked, star)),
        Value::Array(list) => list.iter().find_map(|value| choose(value, asked, star)),
        Value::Bool(false) => Some(Target::Nothing),
        _ => None,
    }
}

/// A pattern of `sideEffects`: without a folder it means files of that name anywhere.
fn glob_of(glob: &str) -> Option<Regex> {
    let glob = glob.trim_start_matches("./");
    let mut pattern = String::from(if glob.contains('/') { "^" } else { "(^|/)" });
    let mut rest = glob;
    while let Some(first) = rest.chars().next() {
        if let Some(after) = rest.strip_prefix("**/") {
            pattern.push_str("(.*/)?");
            rest = after;
            continue;
        }
        if let Some(after) = rest.strip_prefix("**") {
            pattern.push_str(".*");
            rest = after;
            continue;
        }
        match first {
            '*' => pattern.push_str("[^/]*"),
            '?' => pattern.push_str("[^/]"),
            '{' => pattern.push_str("(?:"),
            '}' => pattern.push(')'),
            ',' => pattern.push('|'),
            other => pattern.push_str(&regex::escape(&other.to_string())),
        }
        rest = rest.get(first.len_utf8()..).unwrap_or("");
    }
    pattern.push('$');
    Regex::new(&pattern).ok()
}

/// The `package.json` in `folder`, if there is one.
pub fn manifest_in(folder: &Path) -> Option<Manifest> {
    std::fs::read_to_string(folder.join("package.json"))
        .ok()
        .map(|text| Manifest::read(&text))
}
