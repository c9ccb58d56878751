//! One copy of the engine: a place where one run at a time executes.

use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rquickjs::{ArrayBuffer, Ctx, Function, Value};

use super::engine::{Engine, Entries};
use super::heap::{Heap, Snapshot};
use super::shared::{Reported, Shared, Stop, word};
use super::taping::{Held, Step};
use crate::protocol::Parcel;
use crate::tape::Cause;
use crate::wire::{DoneHeader, Ending, Failure, FrameKind, RunHeader, Task};

/// The worker's main thread has 8 MiB; more than this for JavaScript would reach its guard page.
const STACK_MAX: usize = 4 << 20;
/// Jobs between two looks at the clock; a chain of resolved promises never polls the interrupt handler.
const JOBS_PER_CHECK: u32 = 128;

/// Heap that a template may have; a bundle that needs more is loaded for each run.
const TEMPLATE_BYTES_MAX: usize = 32 << 20;

/// See the module description.
pub(super) struct Isolate {
    engine: Rc<Engine>,
    heap: Heap,
    shared: Rc<Shared>,
    /// Content hash of the bundle that is loaded.
    loaded: Option<String>,
    /// Key under which this isolate may be used again.
    pub(super) key: Option<String>,
    warm: bool,
    /// Served a run before.
    used: bool,
    cpu_budget: Duration,
    cpu_used: Duration,
    /// Most memory that the run has used so far.
    peak: usize,
    cancelling: bool,
}

/// A finished run: header and sections of its `Done` frame.
pub(super) struct Finished {
    pub(super) header: DoneHeader,
    pub(super) sections: Vec<String>,
    /// The isolate may serve the next run of its key.
    pub(super) reusable: bool,
}

impl Isolate {
    /// A fresh isolate without customer code; None when the worker holds too many.
    pub(super) fn new(engine: &Rc<Engine>) -> Option<Self> {
        Self::copy_of(engine, &engine.snapshot)
    }

    /// A fresh isolate in which the bundle with this hash is loaded.
    pub(super) fn from_template(engine: &Rc<Engine>, template: &Rc<Snapshot>, hash: &str) -> Option<Self> {
        let isolate = Self::copy_of(engine, template)?;
        Some(Self {
            loaded: Some(hash.to_owned()),
            ..isolate
        })
    }

    /// Loads a bundle and keeps the result as a template. None when it does not load, or not the same way each time,
    /// or leaves something running: such code is loaded for each run, which then shows what is wrong with it.
    pub(super) fn make_template(
        engine: &Rc<Engine>,
        run: u64,
        header: &RunHeader,
        bytecode: &[u8],
    ) -> Option<Rc<Snapshot>> {
        let mut isolate = Self::new(engine)?;
        isolate.begin(run, header);
        // Timers set while loading must not be taken for those of the run.
        isolate.shared.next_id.set(1 << 31);
        isolate.heap.begin_building();
        let mut failed = true;
        isolate.slice(Cause::Start, |ctx, entries| {
            let factory = load_factory(ctx, bytecode)?;
            entries.preload.clone().restore(ctx)?.call::<_, ()>((factory,))?;
            failed = false;
            Ok(())
        });
        let shared = &isolate.shared;
        let quiet = shared.is_idle()
            && shared.stop.get().is_none()
            && !shared.volatile.get()
            && !engine.runtime.is_job_pending();
        if failed || !quiet || !isolate.is_clean(TEMPLATE_BYTES_MAX) {
            return None;
        }
        isolate.heap.into_snapshot()
    }

    fn copy_of(engine: &Rc<Engine>, snapshot: &Rc<Snapshot>) -> Option<Self> {
        Some(Self {
            engine: Rc::clone(engine),
            heap: Heap::new(&engine.places, snapshot)?,
            shared: Shared::new(Rc::clone(&engine.current.hub)),
            loaded: None,
            key: None,
            warm: false,
            used: false,
            cpu_budget: Duration::ZERO,
            cpu_used: Duration::ZERO,
            peak: 0,
            cancelling: false,
        })
    }

    /// Makes this the isolate that the engine's pointers mean.
    fn activate(&self) {
        self.heap.activate();
        self.engine.current.set(&self.shared);
    }

    /// True when the bundle with this hash is loaded here.
    pub(super) fn has_loaded(&self, hash: &str) -> bool {
        self.loaded.as_deref() == Some(hash)
    }

    /// Readies the isolate and its accounts for a run.
    fn begin(&mut self, run: u64, header: &RunHeader) {
        self.activate();
        self.shared.begin_run(run, header.limits);
        if !self.shared.deck.begin(&header.taping) {
            self.shared.stop.set(Some(Stop::Cancelled));
        }
        self.heap.set_limit(header.limits.memory_bytes);
        self.heap.take_peak();
        self.cpu_budget = Duration::from_micros(header.limits.cpu_us);
        self.cpu_used = Duration::ZERO;
        self.peak = 0;
        self.cancelling = false;
        self.warm = self.used;
        self.used = true;
        self.key.clone_from(&header.isolate_key);
        self.engine
            .runtime
            .set_max_stack_size(header.limits.stack_bytes.clamp(64 << 10, STACK_MAX));
    }

    /// Starts a run. `bytecode` is the bundle unless it is loaded already.
    pub(super) fn start(&mut self, run: u64, header: &RunHeader, parcel: &Parcel, bytecode: Option<&[u8]>) {
        self.begin(run, header);
        self.loaded = Some(header.hash.clone());
        let empty = bytes::Bytes::new();
        let input = parcel.sections.first().unwrap_or(&empty).clone();
        let context = parcel.sections.get(1).unwrap_or(&empty).clone();
        self.slice(Cause::Start, |ctx, entries| {
            let factory = match bytecode {
                Some(bytecode) => Some(load_factory(ctx, bytecode)?),
                None => None,
            };
            let context = ctx.json_parse(context.to_vec())?;
            match header.task {
                Task::Define => entries
                    .define
                    .clone()
                    .restore(ctx)?
                    .call((header.filename.as_str(), context, factory)),
                Task::Call(kind) => {
                    let input = if header.has_input {
                        ctx.json_parse(input.to_vec())?
                    } else {
                        Value::new_undefined(ctx.clone())
                    };
                    let kind = serde_json::to_value(kind).ok();
                    let kind = kind.as_ref().and_then(serde_json::Value::as_str).unwrap_or("action");
                    let start = entries.start.clone().restore(ctx)?;
                    match factory {
                        Some(factory) => start.call((kind, header.filename.as_str(), context, input, factory)),
                        None => start.call((kind, header.filename.as_str(), context, input)),
                    }
                }
            }
        });
    }

    /// Takes an answer; a run that follows a tape gets it when its turn comes.
    pub(super) fn receive(&mut self, kind: FrameKind, call: u32, parcel: Parcel) {
        if self.shared.deck.is_replay() {
            self.shared.deck.hold(Held { kind, call, parcel });
            self.advance();
        } else {
            self.reply(kind, call, &parcel);
        }
    }

    /// Lets a run that follows a tape go on as far as it can.
    pub(super) fn advance(&mut self) {
        while self.shared.deck.is_replay()
            && self.shared.stop.get().is_none()
            && self.shared.reported.borrow().is_none()
        {
            let step = self
                .shared
                .deck
                .next(&self.shared.in_flight.borrow(), &self.shared.timers.borrow());
            match step {
                Step::Reply(Held { kind, call, parcel }) => self.reply(kind, call, &parcel),
                Step::Timer(timer) => self.fire(timer),
                Step::Cancel(code) => self.cancel(&code),
                Step::Wait if self.cancelling => return self.give_up(),
                Step::Wait => return,
            }
        }
    }

    /// Hands an answer to the waiting call.
    pub(super) fn reply(&mut self, kind: FrameKind, call: u32, parcel: &Parcel) {
        if !self.shared.in_flight.borrow_mut().remove(&call) {
            return;
        }
        self.slice(Cause::Reply(call), |ctx, entries| {
            let header = String::from_utf8_lossy(&parcel.header);
            let body = match (kind, parcel.sections.first()) {
                (FrameKind::ReplyJson, Some(json)) => ctx.json_parse(json.to_vec())?,
                (_, Some(bytes)) => ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value(),
                (_, None) => Value::new_undefined(ctx.clone()),
            };
            let extra = match parcel.sections.get(1) {
                Some(bytes) => ArrayBuffer::new_copy(ctx.clone(), bytes)?.into_value(),
                None => Value::new_undefined(ctx.clone()),
            };
            entries
                .on_reply
                .clone()
                .restore(ctx)?
                .call((call, header.as_ref(), body, extra))
        });
    }

    /// Fires a timer unless it was cleared.
    pub(super) fn fire(&mut self, timer: u32) {
        if self.shared.timers.borrow_mut().remove(&timer) {
            self.slice(Cause::Timer(timer), |ctx, entries| {
                entries.fire_timer.clone().restore(ctx)?.call((timer,))
            });
        }
    }

    /// Tells the code that it was cancelled; its host calls fail from now on.
    pub(super) fn cancel(&mut self, code: &str) {
        self.cancelling = true;
        self.shared.in_flight.borrow_mut().clear();
        self.slice(Cause::Cancel(code.to_owned()), |ctx, entries| {
            entries.on_abort.clone().restore(ctx)?.call((code,))
        });
    }

    /// Executes code and all jobs that follow from it, under the CPU budget.
    fn slice(&mut self, cause: Cause, enter: impl FnOnce(&Ctx<'_>, &Entries) -> rquickjs::Result<()>) {
        self.activate();
        self.shared.deck.turn(cause);
        let engine = &self.engine;
        let status = self.shared.hub.status.words();
        status[word::SLICES].fetch_add(1, Ordering::Relaxed);
        status[word::SLICE_RUN].store(self.shared.run.get(), Ordering::Release);
        let begun = crate::sys::own_cpu();
        self.shared
            .cpu_end
            .set(begun + self.cpu_budget.saturating_sub(self.cpu_used));

        engine.context.with(|ctx| {
            if let Err(error) = enter(&ctx, &engine.entries) {
                let thrown = ctx.catch();
                self.report_entry_failure(&ctx, &error, &thrown);
            }
        });
        self.run_jobs(engine);
        // What a slice allocated and gave back between two looks counts as well.
        let peak = self.heap.take_peak();
        self.peak = self.peak.max(peak);
        self.shared.watch_memory(peak);

        self.cpu_used += crate::sys::own_cpu().saturating_sub(begun);
        self.shared.cpu_end.set(Duration::MAX);
        status[word::SLICE_RUN].store(0, Ordering::Release);
    }

    fn run_jobs(&self, engine: &Engine) {
        let mut jobs = 0u32;
        while self.shared.stop.get().is_none() && self.shared.reported.borrow().is_none() {
            match engine.runtime.execute_pending_job() {
                Ok(true) => {}
                Ok(false) => return,
                Err(thrown) => thrown.0.with(|ctx| drop(ctx.catch())),
            }
            jobs = jobs.wrapping_add(1);
            if jobs.is_multiple_of(JOBS_PER_CHECK) {
                self.shared.should_interrupt();
            }
        }
    }

    /// The prelude catches what functions throw; what arrives here happened before it could, e.g. a bundle that
    /// throws while its module body runs, or no memory left to begin.
    fn report_entry_failure(&self, ctx: &Ctx<'_>, error: &rquickjs::Error, thrown: &Value<'_>) {
        if self.shared.stop.get().is_some() {
            return;
        }
        let (name, message) = match thrown.as_exception() {
            Some(exception) => (
                exception
                    .as_object()
                    .get::<_, String>("name")
                    .unwrap_or_else(|_| "Error".to_owned()),
                exception.message().unwrap_or_default(),
            ),
            None => ("Error".to_owned(), error.to_string()),
        };
        // Reading the error may have thrown in turn.
        drop(ctx.catch());
        let payload = serde_json::json!({ "name": name, "message": message }).to_string();
        let failure = Failure {
            type_: "script_internal_error".to_owned(),
            status: 500,
            message,
            ..Failure::default()
        };
        self.shared.reported.borrow_mut().get_or_insert(Reported::Failure {
            failure,
            payload,
            upstream: String::new(),
        });
    }

    /// Says how the run ended, if it did.
    pub(super) fn finished(&mut self) -> Option<Finished> {
        self.activate();
        let limits = self.shared.limits.get();
        let ran_out = self.heap.ran_out();
        let reported = self.shared.reported.borrow_mut().take();
        let mut failure = None;
        let mut sections = Vec::new();
        let ending = match (self.shared.stop.get(), reported) {
            (Some(Stop::Cpu), _) => Ending::CpuLimit,
            (Some(Stop::Calls), _) => Ending::CallLimit,
            (Some(Stop::Cancelled), _) => Ending::Cancelled,
            (None, Some(Reported::Success(output))) if output.len() > limits.output_bytes => Ending::OutputLimit,
            (None, Some(Reported::Success(output))) => {
                sections.push(output);
                Ending::Success
            }
            (None, Some(Reported::Failure { failure: thrown, .. })) if ran_out || thrown.out_of_memory => {
                Ending::MemoryLimit
            }
            (
                None,
                Some(Reported::Failure {
                    failure: thrown,
                    payload,
                    upstream,
                }),
            ) => {
                failure = Some(thrown);
                sections.extend([payload, upstream]);
                Ending::Failure
            }
            (None, None) if !self.shared.is_idle() => return None,
            (None, None) if ran_out => Ending::MemoryLimit,
            (None, None) if self.cancelling => Ending::Cancelled,
            (None, None) => Ending::NeverSettles,
        };
        let reusable = matches!(ending, Ending::Success | Ending::Failure)
            && !ran_out
            && !self.cancelling
            && !self.shared.volatile.get()
            && self.shared.is_idle()
            && self.is_clean(limits.memory_bytes);
        let mut tape = self.shared.deck.take_tape();
        if let Some(tape) = &mut tape {
            tape.warm = self.warm;
        }
        let header = DoneHeader {
            ending,
            failure,
            cpu_us: self.cpu_used.as_micros().min(u128::from(u64::MAX)) as u64,
            memory_bytes: self.peak.max(self.heap.take_peak()) as u64,
            calls: self.shared.calls.get(),
            logs_dropped: self.shared.logs_dropped.get(),
            warm: self.warm,
            kept: false,
            dropped: Vec::new(),
            tape,
        };
        Some(Finished {
            header,
            sections,
            reusable,
        })
    }

    /// Ends a run that did not react to its cancellation.
    pub(super) fn give_up(&mut self) {
        self.shared.stop.set(Some(Stop::Cancelled));
    }

    fn is_clean(&self, memory_bytes: usize) -> bool {
        let engine = &self.engine;
        if engine.runtime.is_job_pending() || self.heap.used() > memory_bytes / 2 {
            return false;
        }
        engine.context.with(|ctx| {
            let count = engine
                .entries
                .global_count
                .clone()
                .restore(&ctx)
                .and_then(|count| count.call::<_, usize>(()));
            count.is_ok_and(|count| count == engine.globals)
        })
    }
}

/// The function that the compiler made of a bundle.
fn load_factory<'js>(ctx: &Ctx<'js>, bytecode: &[u8]) -> rquickjs::Result<Function<'js>> {
    let (module, _) = crate::sys::load_bytecode(ctx, bytecode)?.eval()?;
    module.get("default")
}
