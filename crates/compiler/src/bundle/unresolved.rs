//! What to say about an import that leads nowhere.

use super::{
    module::{Module, Request},
    packages::{Lost, package_of},
    resolve::Unresolved,
};
use crate::{
    checks::{ALLOWED_PACKAGES, not_in_functions},
    diagnostic::Diagnostic,
};

/// About a relative import in a file of the project.
pub fn in_project(module: &Module, request: &Request, reason: &Unresolved) -> Diagnostic {
    let specifier = &request.specifier;
    let (code, message, hint) = match reason {
        Unresolved::Missing => (
            "import_not_found",
            format!("there is no file for `{specifier}`"),
            "the path is relative to this file; `./x.js` means the file `./x.ts`",
        ),
        Unresolved::Outside => (
            "path_outside_project",
            format!("`{specifier}` leaves the project folder"),
            "everything a function uses must be inside its project; copy the file",
        ),
        Unresolved::Unsupported => (
            "import_not_supported",
            format!("`{specifier}` is not a kind of file that can be bundled"),
            "TypeScript, JavaScript modules and JSON can be imported",
        ),
        Unresolved::Alone => (
            "import_not_found",
            format!("`{specifier}` is another file, and this function comes alone"),
            "put everything it uses into the one file, or deploy a project with `tenon deploy`",
        ),
    };
    at(module, request, Diagnostic::error(code, message)).hint(hint)
}

/// About a package, or about something inside of one. `alone`: the function comes as one text, without a project.
pub fn in_packages(module: &Module, request: &Request, lost: &Lost, alone: bool) -> Diagnostic {
    let specifier = &request.specifier;
    let given = ALLOWED_PACKAGES.join(", ");
    let (code, message, hint) = match (lost, package_of(&module.source.path)) {
        (Lost::NotInstalled(_), _) if alone => (
            "disallowed_import",
            format!("`{specifier}` cannot be imported by a function that comes alone: there is no node_modules here"),
            format!(
                "it can import {given}; packages are bundled by `tenon deploy` from a project that has them installed"
            ),
        ),
        (Lost::NotInstalled(name), None) => (
            "disallowed_import",
            format!("`{name}` is not installed: no node_modules at or above this file has it"),
            format!(
                "`npm install {name}`; packages written in plain JavaScript become part of the bundle. Without installing there are {given}; type-only imports (`import type`) are free"
            ),
        ),
        (Lost::NotInstalled(name), Some(package)) => (
            "package_incomplete",
            format!("the package `{package}` needs `{name}`, which is not installed"),
            format!("`npm install {name}`, or install the project's packages again"),
        ),
        (Lost::NoSuchPart(part), Some(package)) => (
            "package_incomplete",
            format!("`{specifier}` in the package `{package}` leads to `{part}`, which it does not have"),
            "install the project's packages again; if that does not help, look for another version".to_owned(),
        ),
        (Lost::NoSuchPart(part), None) => (
            "import_not_found",
            format!("the package is installed and does not offer `{part}`"),
            "look at `exports` in its package.json for the parts that can be imported".to_owned(),
        ),
        (Lost::Node, None) => (
            "disallowed_import",
            format!(
                "`{specifier}` cannot be imported by a function: it is a module of Node that functions do not have"
            ),
            format!(
                "modules that functions have: {given}, buffer, assert, events, path, querystring, string_decoder, timers, util"
            ),
        ),
        (Lost::Node, Some(package)) => (
            "node_module_in_package",
            format!("the package `{package}` needs `{specifier}`, a module of Node that functions do not have"),
            not_in_functions(specifier)
                .unwrap_or("use another package, or a part of this one (`package/part`) that does without it")
                .to_owned(),
        ),
        (Lost::Native, package) => (
            "native_package",
            format!(
                "`{specifier}`{} is compiled for a processor and cannot run in a function",
                of(package)
            ),
            "use a package written in plain JavaScript".to_owned(),
        ),
        (Lost::Unsupported, package) => (
            "import_not_supported",
            format!("`{specifier}`{} is not a kind of file that can be bundled", of(package)),
            "JavaScript, TypeScript and JSON can be imported".to_owned(),
        ),
    };
    at(module, request, Diagnostic::error(code, message)).hint(hint)
}

fn of(package: Option<&str>) -> String {
    package
        .map(|package| format!(" of the package `{package}`"))
        .unwrap_or_default()
}

/// Points at the specifier. Its mark may be missing in the map; the text itself is certain to be there.
fn at(module: &Module, request: &Request, diagnostic: Diagnostic) -> Diagnostic {
    let near = module.source_offset(request.at);
    let found = module
        .source
        .text
        .match_indices(&request.specifier)
        .map(|(at, _)| at)
        .min_by_key(|at| at.abs_diff(near));
    let start = found.unwrap_or(near);
    diagnostic.at(&module.source, start, start + request.specifier.len())
}
