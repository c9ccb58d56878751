//! The engine with prelude and Zod, as it is when the snapshot is taken.

use std::rc::Rc;

use rquickjs::context::intrinsic;
use rquickjs::loader::{ImportAttributes, Loader, Resolver};
use rquickjs::{Context, Ctx, Error, Function, Module, Object, Persistent, Runtime};

use super::heap::{HeapAllocator, Places, Snapshot, build_snapshot};
use super::natives;
use super::shared::{Current, Hub};

/// Native stack for JavaScript frames before a run sets its own.
pub(super) const STACK_BYTES: usize = 512 << 10;
/// Cycle collection starts here; loading the prelude and Zod alone must not trigger it.
const GC_THRESHOLD: usize = 8 << 20;
/// Memory for building the snapshot.
const SNAPSHOT_BYTES: usize = 12 << 20;

/// Everything but the compiler (`Eval`).
type Intrinsics = (
    intrinsic::Date,
    intrinsic::RegExpCompiler,
    intrinsic::RegExp,
    intrinsic::Json,
    intrinsic::Proxy,
    intrinsic::MapSet,
    intrinsic::TypedArrays,
    intrinsic::Promise,
    intrinsic::Performance,
    intrinsic::WeakRef,
);

type Entry = Persistent<Function<'static>>;

/// Functions of the prelude that the worker calls.
pub(super) struct Entries {
    pub(super) start: Entry,
    pub(super) preload: Entry,
    pub(super) define: Entry,
    pub(super) on_reply: Entry,
    pub(super) fire_timer: Entry,
    pub(super) on_abort: Entry,
    pub(super) global_count: Entry,
}

/// The engine as Rust sees it: pointers into whatever heap is active. There is one per worker, made with the
/// snapshot and never dropped.
pub(super) struct Engine {
    pub(super) entries: Entries,
    pub(super) context: Context,
    pub(super) runtime: Runtime,
    pub(super) current: Rc<Current>,
    pub(super) places: Rc<Places>,
    /// With prelude and Zod, without customer code.
    pub(super) snapshot: Rc<Snapshot>,
    /// Globals after lockdown; a run that left more behind is not followed by another in its isolate.
    pub(super) globals: usize,
}

/// Why there is no engine.
#[derive(Debug, thiserror::Error)]
pub(super) enum EngineError {
    #[error("making the snapshot failed")]
    Snapshot(#[source] std::io::Error),
    #[error("the prelude failed")]
    Prelude(#[source] Error),
}

/// Nothing can be imported: modules that the engine has loaded have names, and these are not for customer code.
struct NoModules;

impl Resolver for NoModules {
    fn resolve<'js>(
        &mut self,
        _: &Ctx<'js>,
        base: &str,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<String> {
        Err(Error::new_resolving(base, name))
    }
}

impl Loader for NoModules {
    fn load<'js>(
        &mut self,
        _: &Ctx<'js>,
        name: &str,
        _: Option<ImportAttributes<'js>>,
    ) -> rquickjs::Result<Module<'js>> {
        Err(Error::new_loading(name))
    }
}

impl Engine {
    /// Loads prelude and Zod, freezes what runs share, and takes the snapshot.
    pub(super) fn build(hub: &Rc<Hub>, prelude: &[u8], zod: &[u8], seed: u64) -> Result<Self, EngineError> {
        let current = Current::new(hub, seed);
        let load = || load_prelude(&current, prelude, zod);
        let (places, snapshot, loaded) = build_snapshot(SNAPSHOT_BYTES, load).map_err(EngineError::Snapshot)?;
        let (runtime, context, entries, globals) = loaded.map_err(EngineError::Prelude)?;
        Ok(Self {
            entries,
            context,
            runtime,
            current,
            places,
            snapshot,
            globals,
        })
    }
}

fn load_prelude(
    current: &Rc<Current>,
    prelude: &[u8],
    zod: &[u8],
) -> rquickjs::Result<(Runtime, Context, Entries, usize)> {
    let runtime = Runtime::new_with_alloc(HeapAllocator)?;
    runtime.set_max_stack_size(STACK_BYTES);
    runtime.set_gc_threshold(GC_THRESHOLD);
    runtime.set_loader(NoModules, NoModules);
    let watch = Rc::clone(current);
    runtime.set_interrupt_handler(Some(Box::new(move || watch.get().should_interrupt())));
    let context = Context::custom::<Intrinsics>(&runtime)?;
    let (entries, globals) = context.with(|ctx| -> rquickjs::Result<_> {
        let (module, _) = crate::sys::load_bytecode(&ctx, zod)?.eval()?;
        *current.zod.borrow_mut() = Some(Persistent::save(&ctx, module.get::<_, Object<'_>>("default")?));
        let (module, _) = crate::sys::load_bytecode(&ctx, prelude)?.eval()?;
        let prelude: Function<'_> = module.get("default")?;
        let exports: Object<'_> = prelude.call((natives::install(&ctx, current)?,))?;
        let globals: usize = exports.get::<_, Function<'_>>("lockdown")?.call(())?;
        let entry = |name: &str| -> rquickjs::Result<Entry> {
            Ok(Persistent::save(&ctx, exports.get::<_, Function<'_>>(name)?))
        };
        let entries = Entries {
            start: entry("start")?,
            preload: entry("preload")?,
            define: entry("define")?,
            on_reply: entry("onReply")?,
            fire_timer: entry("fireTimer")?,
            on_abort: entry("onAbort")?,
            global_count: entry("globalCount")?,
        };
        Ok((entries, globals))
    })?;
    // Garbage of loading would be copied into every isolate that collects.
    runtime.run_gc();
    runtime.set_gc_threshold(GC_THRESHOLD);
    Ok((runtime, context, entries, globals))
}
