//! Turns our own JavaScript and customers' bundles into bytecode.
//!
//! Prelude and Zod are compiled once, by the parent, from the vendored source in this crate, and handed to workers
//! in sealed memory. A customer's bundle is compiled by the worker that runs it, in an engine of its own that never
//! executes anything. Isolates themselves have no compiler at all: `eval` and the function constructors cannot work
//! there, whatever a script finds.

use rquickjs::{CatchResultExt, Context, Exception, Module, Runtime, WriteOptions};

/// Files of the prelude, in scope order; see `js/README.md`.
const PRELUDE: &[&str] = &[
    include_str!("../../js/errors.js"),
    include_str!("../../js/bytes.js"),
    include_str!("../../js/buffer-numbers.js"),
    include_str!("../../js/text-coding.js"),
    include_str!("../../js/json.js"),
    include_str!("../../js/url.js"),
    include_str!("../../js/url-module.js"),
    include_str!("../../js/web.js"),
    include_str!("../../js/clone.js"),
    include_str!("../../js/globals.js"),
    include_str!("../../js/collation.js"),
    include_str!("../../js/locales.js"),
    include_str!("../../js/locale-tables.js"),
    include_str!("../../js/intl-numbers.js"),
    include_str!("../../js/intl-zones.js"),
    include_str!("../../js/intl-dates.js"),
    include_str!("../../js/intl.js"),
    include_str!("../../js/der.js"),
    include_str!("../../js/keys.js"),
    include_str!("../../js/crypto.js"),
    include_str!("../../js/signatures.js"),
    include_str!("../../js/ciphers.js"),
    include_str!("../../js/subtle.js"),
    include_str!("../../js/host.js"),
    include_str!("../../js/http.js"),
    include_str!("../../js/paginate.js"),
    include_str!("../../js/replay.js"),
    include_str!("../../js/xml.js"),
    include_str!("../../js/wsdl.js"),
    include_str!("../../js/soap-values.js"),
    include_str!("../../js/soap.js"),
    include_str!("../../js/zip.js"),
    include_str!("../../js/records.js"),
    include_str!("../../js/platform.js"),
    include_str!("../../js/nango.js"),
    include_str!("../../js/failure.js"),
    include_str!("../../js/run.js"),
    include_str!("../../js/definition.js"),
    include_str!("../../js/lockdown.js"),
];
const ZOD: &str = include_str!("../../js/vendor/zod.js");
/// What the prelude function returns to the worker, in the order of `isolate::Entries`.
const EXPORTS: &str = "return { start, preload, define, onReply, fireTimer, onAbort, lockdown, globalCount };";
/// Memory for compiling one bundle.
const COMPILE_BYTES: usize = 256 << 20;

/// Source text that does not compile.
#[derive(Debug, thiserror::Error)]
#[error("{name}: {message}")]
pub(crate) struct CompileError {
    pub(crate) name: String,
    pub(crate) message: String,
    pub(crate) stack: String,
}

/// Compiles prelude and Zod into one blob: length of the prelude, prelude, Zod.
pub(crate) fn build_blob() -> Result<Vec<u8>, CompileError> {
    let prelude = format!(
        "export default function (native) {{\n{}\n{EXPORTS}\n}}",
        PRELUDE.join("\n")
    );
    let prelude = compile("tenon:prelude", prelude, true)?;
    let zod = compile("zod", ZOD.to_owned(), true)?;
    let mut blob = (prelude.len() as u64).to_le_bytes().to_vec();
    blob.extend(prelude);
    blob.extend(zod);
    Ok(blob)
}

/// Takes a blob apart; None when it is not one.
pub(super) fn split_blob(blob: &'static [u8]) -> Option<(&'static [u8], &'static [u8])> {
    let (length, rest) = blob.split_first_chunk::<8>()?;
    rest.split_at_checked(u64::from_le_bytes(*length) as usize)
}

/// What the engine sees in front of a bundle's first line.
pub(crate) const BUNDLE_OPENING: &str = "export default function (module, exports, require, __filename, __dirname) {";

/// Compiles a CommonJS bundle to a module whose default export is the wrapper function. The wrapper starts on the
/// bundle's first line, so that line numbers in stack traces are the bundle's own.
pub(super) fn compile_bundle(filename: &str, js: &str) -> Result<Vec<u8>, CompileError> {
    let wrapped = format!("{BUNDLE_OPENING}{js}\n}}");
    compile(filename, wrapped, false)
}

fn compile(name: &str, source: String, strip: bool) -> Result<Vec<u8>, CompileError> {
    let internal = |error: rquickjs::Error| CompileError {
        name: "InternalError".to_owned(),
        message: error.to_string(),
        stack: String::new(),
    };
    let runtime = Runtime::new().map_err(internal)?;
    runtime.set_memory_limit(COMPILE_BYTES);
    runtime.set_max_stack_size(super::engine::STACK_BYTES);
    runtime.set_gc_threshold(COMPILE_BYTES);
    let context = Context::full(&runtime).map_err(internal)?;
    context.with(|ctx| {
        let module = Module::declare(ctx.clone(), name, source)
            .catch(&ctx)
            .map_err(|caught| match caught {
                rquickjs::CaughtError::Exception(exception) => described(&exception),
                rquickjs::CaughtError::Error(error) => internal(error),
                rquickjs::CaughtError::Value(_) => internal(rquickjs::Error::Unknown),
            })?;
        let options = WriteOptions {
            strip_source: true,
            strip_debug: strip,
            ..WriteOptions::default()
        };
        module.write(options).map_err(internal)
    })
}

fn described(exception: &Exception<'_>) -> CompileError {
    CompileError {
        name: exception
            .as_object()
            .get::<_, String>("name")
            .unwrap_or_else(|_| "SyntaxError".to_owned()),
        message: exception.message().unwrap_or_default(),
        stack: exception.stack().unwrap_or_default(),
    }
}
