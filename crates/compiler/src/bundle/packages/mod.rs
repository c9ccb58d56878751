//! From the name of a package to a file below `node_modules`, as Node and bundlers look for it.

pub mod builtin;
pub mod manifest;

use std::{
    collections::HashMap,
    path::{Component, Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use builtin::{Builtin, NOTHING};
use manifest::{Asked, Manifest, Target, manifest_in};

/// Where an import of or in a package leads.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A file, by its path from the project's folder (`../` when it is outside), or one that the compiler brings along.
    File(String),
    /// A module of the sandbox.
    Sandbox(String),
}

/// Why it leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lost {
    /// No folder of this name in any `node_modules`.
    NotInstalled(String),
    /// The package is there and does not offer this part.
    NoSuchPart(String),
    /// A module of Node that functions do not have.
    Node,
    /// Compiled for a processor (`.node`, `.wasm`).
    Native,
    /// A kind of file that cannot be part of a bundle.
    Unsupported,
}

/// The packages of one project.
pub struct Packages {
    root: PathBuf,
    manifests: Mutex<HashMap<PathBuf, Option<Arc<Manifest>>>>,
}

impl Packages {
    /// The packages that files in `root` can import.
    pub fn of(root: &Path) -> Self {
        Self {
            root: root.canonicalize().unwrap_or_else(|_| root.to_path_buf()),
            manifests: Mutex::default(),
        }
    }

    /// The project's folder, without symbolic links.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where `specifier` leads from a file of the project itself.
    pub fn of_project(&self, importer: &str, specifier: &str) -> Result<Found, Lost> {
        if let Some(package) = builtin::of_sandbox(specifier) {
            return Ok(Found::Sandbox(package.to_owned()));
        }
        let folder = self.root.join(importer);
        let folder = folder.parent().unwrap_or(&self.root);
        match builtin::builtin(specifier) {
            Some(Builtin::Sandbox(name)) => return Ok(Found::Sandbox(name.to_owned())),
            Some(Builtin::Shim(path, _)) => return Ok(Found::File(path.to_owned())),
            Some(Builtin::Absent) => return Err(Lost::Node),
            None => {}
        }
        self.package(folder, specifier, Asked::Import)
    }

    /// Where `specifier` leads from a file of a package.
    pub fn of_package_file(&self, importer: &str, specifier: &str, asked: Asked) -> Result<Found, Lost> {
        if importer.starts_with(builtin::SHIM_PREFIX) {
            return builtin_found(specifier).unwrap_or(Err(Lost::Node));
        }
        let file = self.root.join(importer);
        let folder = file.parent().unwrap_or(&self.root).to_path_buf();
        let owner = self.owner(&folder);
        if specifier.starts_with('#') {
            let target = owner
                .as_ref()
                .and_then(|(_, manifest)| manifest.import(specifier, asked))
                .ok_or_else(|| Lost::NoSuchPart(specifier.to_owned()))?;
            return match (target, owner) {
                (Target::Path(path), Some((home, _))) if path.starts_with("./") => self.file(&home.join(path)),
                (Target::Path(path), _) => self.bare(&folder, &path, asked),
                (Target::Nothing, _) => Ok(nothing()),
            };
        }
        let relative = specifier.starts_with("./") || specifier.starts_with("../") || matches!(specifier, "." | "..");
        if relative || specifier.starts_with('/') {
            return self.file(&normal(&folder.join(specifier)));
        }
        if let Some((home, manifest)) = &owner
            && let Some(target) = manifest.replaced(specifier)
        {
            match target {
                Target::Nothing => {
                    // The sandbox has some of what a browser has not.
                    return builtin_found(specifier).filter(Result::is_ok).unwrap_or(Ok(nothing()));
                }
                Target::Path(path) if path.starts_with('.') => return self.file(&home.join(path)),
                Target::Path(path) => return self.bare(&folder, &path, asked),
            }
        }
        self.bare(&folder, specifier, asked)
    }

    fn bare(&self, folder: &Path, specifier: &str, asked: Asked) -> Result<Found, Lost> {
        if let Some(package) = builtin::of_sandbox(specifier) {
            return Ok(Found::Sandbox(package.to_owned()));
        }
        match builtin_found(specifier) {
            Some(Ok(found)) => Ok(found),
            // `punycode/`, `events` and others exist as packages, too.
            Some(Err(lost)) if specifier.starts_with("node:") => Err(lost),
            Some(Err(lost)) => self.package(folder, specifier, asked).map_err(|_| lost),
            None => self.package(folder, specifier, asked),
        }
    }

    /// Looks through `node_modules` of the folder and of those above it.
    fn package(&self, folder: &Path, specifier: &str, asked: Asked) -> Result<Found, Lost> {
        let (name, part) = split(specifier).ok_or_else(|| Lost::NotInstalled(specifier.to_owned()))?;
        for above in folder.ancestors() {
            if above.file_name().is_some_and(|last| last == "node_modules") {
                continue;
            }
            let home = above.join("node_modules").join(name);
            if home.is_dir() {
                return self.in_package(&home, name, &part, asked);
            }
        }
        Err(Lost::NotInstalled(name.to_owned()))
    }

    fn in_package(&self, home: &Path, name: &str, part: &str, asked: Asked) -> Result<Found, Lost> {
        let manifest = self.manifest(home).unwrap_or_default();
        let missing = || {
            Lost::NoSuchPart(match part.strip_prefix("./") {
                Some(part) => format!("{name}/{part}"),
                None => name.to_owned(),
            })
        };
        if manifest.has_exports() {
            return match manifest.export(part, asked).ok_or_else(missing)? {
                Target::Path(path) if path.starts_with("./") => self.existing(&home.join(path)).ok_or_else(missing)?,
                Target::Path(_) => Err(missing()),
                Target::Nothing => Ok(nothing()),
            };
        }
        if part != "." {
            return match self.file(&normal(&home.join(part))) {
                Err(Lost::NoSuchPart(_)) => Err(missing()),
                other => other,
            };
        }
        for entry in manifest.entries(asked) {
            match self.file(&normal(&home.join(entry))) {
                Err(Lost::NoSuchPart(_)) => {}
                other => return other,
            }
        }
        Err(missing())
    }

    /// A file by its path, with the endings that may be left out, and folders by their index.
    fn file(&self, path: &Path) -> Result<Found, Lost> {
        let path = normal(path);
        if let Some(found) = self.existing(&path) {
            return found;
        }
        let with = |ending: &str| {
            let mut name = path.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        for ending in [".js", ".json", ".mjs", ".cjs", ".ts", ".node"] {
            if let Some(found) = self.existing(&with(ending)) {
                return found;
            }
        }
        // A project's own packages may be TypeScript that names the emitted file.
        if path.extension().is_some_and(|ending| ending == "js")
            && let Some(found) = self.existing(&path.with_extension("ts"))
        {
            return found;
        }
        if path.is_dir() {
            let main = self.manifest(&path).map(|manifest| manifest.entries(Asked::Require));
            for entry in main.unwrap_or_else(|| vec!["index".to_owned()]) {
                for candidate in [
                    path.join(&entry),
                    path.join(format!("{entry}.js")),
                    path.join(format!("{entry}.json")),
                    path.join(entry).join("index.js"),
                ] {
                    if let Some(found) = self.existing(&candidate) {
                        return found;
                    }
                }
            }
        }
        Err(Lost::NoSuchPart(self.shown(&path)))
    }

    /// The file at exactly this path, after what its package puts in its place.
    fn existing(&self, path: &Path) -> Option<Result<Found, Lost>> {
        let real = path.is_file().then(|| path.canonicalize().ok())??;
        let folder = real.parent().unwrap_or(&self.root);
        if let Some((home, manifest)) = self.owner(folder)
            && let Ok(inside) = real.strip_prefix(&home)
            && let Some(target) = manifest.replaced(&format!("./{}", slashes(inside)))
        {
            match target {
                Target::Nothing => return Some(Ok(nothing())),
                Target::Path(path) if path.starts_with('.') => {
                    let other = normal(&home.join(path));
                    let other = [other.clone(), other.with_extension("js")]
                        .into_iter()
                        .find(|path| path.is_file());
                    return Some(other.map_or(Err(Lost::Unsupported), |other| self.supported(&other)));
                }
                Target::Path(_) => {}
            }
        }
        Some(self.supported(&real))
    }

    fn supported(&self, real: &Path) -> Result<Found, Lost> {
        match real.extension().and_then(|ending| ending.to_str()) {
            Some("js" | "mjs" | "cjs" | "json" | "ts" | "mts" | "cts") => Ok(Found::File(self.shown(real))),
            Some("node" | "wasm") => Err(Lost::Native),
            _ => Err(Lost::Unsupported),
        }
    }

    /// The path from the project's folder.
    fn shown(&self, path: &Path) -> String {
        for (up, base) in self.root.ancestors().enumerate() {
            if let Ok(rest) = path.strip_prefix(base) {
                return format!("{}{}", "../".repeat(up), slashes(rest));
            }
        }
        slashes(path)
    }

    /// The nearest folder at or above `folder` with a `package.json`, up to `node_modules`.
    fn owner(&self, folder: &Path) -> Option<(PathBuf, Arc<Manifest>)> {
        folder
            .ancestors()
            .take_while(|above| above.file_name().is_some_and(|last| last != "node_modules"))
            .find_map(|above| Some((above.to_path_buf(), self.manifest(above)?)))
    }

    /// What the package of a file says about it: whether its `.js` is a module, and whether loading it does something.
    pub fn traits_of(&self, path: &str) -> Traits {
        let file = self.root.join(path);
        let folder = file.parent().filter(|_| !path.starts_with(builtin::SHIM_PREFIX));
        let owner = folder.and_then(|folder| self.owner(folder));
        let Some((home, manifest)) = owner else {
            return Traits {
                is_module: false,
                has_side_effects: true,
            };
        };
        let inside = file.strip_prefix(&home).map(slashes).unwrap_or_default();
        Traits {
            is_module: manifest.is_module,
            has_side_effects: manifest.has_side_effects(&inside),
        }
    }

    fn manifest(&self, folder: &Path) -> Option<Arc<Manifest>> {
        let mut known = self.manifests.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(folder.to_path_buf())
            .or_insert_with(|| manifest_in(folder).map(Arc::new))
            .clone()
    }
}

/// What a package says about one of its files.
#[derive(Debug, Clone, Copy)]
pub struct Traits {
    /// `"type": "module"`
    pub is_module: bool,
    /// Whether the file must be kept although nothing of it is used.
    pub has_side_effects: bool,
}

fn builtin_found(specifier: &str) -> Option<Result<Found, Lost>> {
    Some(match builtin::builtin(specifier)? {
        Builtin::Sandbox(name) => Ok(Found::Sandbox(name.to_owned())),
        Builtin::Shim(path, _) => Ok(Found::File(path.to_owned())),
        Builtin::Absent => Err(Lost::Node),
    })
}

fn nothing() -> Found {
    Found::File(NOTHING.0.to_owned())
}

/// `@scope/name/part` → name and `./part`; `.` for the package itself.
fn split(specifier: &str) -> Option<(&str, String)> {
    let parts = if specifier.starts_with('@') { 2 } else { 1 };
    let end = specifier
        .match_indices('/')
        .nth(parts - 1)
        .map_or(specifier.len(), |(at, _)| at);
    let name = specifier.get(..end)?;
    let valid = !name.is_empty() && !name.starts_with('.') && (parts == 1 || name.contains('/'));
    let part = specifier.get(end..).filter(|part| part.len() > 1).unwrap_or("");
    valid.then(|| (name, format!(".{part}")))
}

/// The name of the package that a path below `node_modules` belongs to.
pub fn package_of(path: &str) -> Option<&str> {
    let (_, inside) = path.rsplit_once("node_modules/")?;
    split(inside).map(|(name, _)| name)
}

/// The path without `.` and `..`.
fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                out.pop();
            }
            other => out.push(other),
        }
    }
    out
}

fn slashes(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}
