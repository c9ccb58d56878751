//! State that the native functions of an isolate share with the event loop.

use std::cell::{Cell, RefCell};
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashSet};
use std::io::Write;
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use rquickjs::{Object, Persistent};

use super::heap;
use super::taping::Deck;
use crate::protocol::MemoryUse;
use crate::sys::StatusPage;
use crate::wire::{Failure, FrameKind, WireLimits, append_frame};

/// Memory is short when more than 85 % of it is in use: 100 / 85 as a fraction.
const MEMORY_SHORT: (usize, usize) = (20, 17);
/// The parent is not told again for so long.
const MEMORY_TOLD_EVERY: Duration = Duration::from_secs(30);

/// Status words. The parent reads the first two and writes the third.
pub(crate) mod word {
    /// Run whose code is executing now, 0 for none.
    pub(crate) const SLICE_RUN: usize = 0;
    /// Counts slices, so that the parent can tell a long one from many.
    pub(crate) const SLICES: usize = 1;
    /// Run that shall stop at the next interrupt tick.
    pub(crate) const INTERRUPT: usize = 2;
}

/// What all isolates of a worker share.
pub(super) struct Hub {
    stream: UnixStream,
    out: RefCell<Vec<u8>>,
    /// Pending timers of all runs: when, run, timer. Stale entries are skipped when they come up.
    pub(super) timers: RefCell<BinaryHeap<Reverse<(Instant, u64, u32)>>>,
    pub(super) status: StatusPage,
}

/// Output is written when a slice ends, or earlier when this much has gathered.
const FLUSH_BYTES: usize = 1 << 20;

impl Hub {
    pub(super) fn new(stream: UnixStream, status: StatusPage) -> Rc<Self> {
        Rc::new(Self {
            stream,
            out: RefCell::default(),
            timers: RefCell::default(),
            status,
        })
    }

    pub(super) fn stream(&self) -> &UnixStream {
        &self.stream
    }

    pub(super) fn send(&self, kind: FrameKind, run: u64, call: u32, header: &[u8], sections: &[&[u8]]) {
        append_frame(&mut self.out.borrow_mut(), kind, run, call, header, sections);
        if self.out.borrow().len() > FLUSH_BYTES {
            self.flush();
        }
    }

    /// Writes what has gathered. A parent that is gone ends the worker.
    pub(super) fn flush(&self) {
        let mut out = self.out.borrow_mut();
        if out.is_empty() {
            return;
        }
        if (&self.stream).write_all(&out).is_err() {
            std::process::exit(0);
        }
        out.clear();
        if out.capacity() > 2 * FLUSH_BYTES {
            out.shrink_to(FLUSH_BYTES);
        }
    }
}

/// Why a run was stopped from outside its code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    Cpu,
    Calls,
    Cancelled,
}

/// What the prelude reported at the end of a run.
pub(super) enum Reported {
    Success(String),
    Failure {
        failure: Failure,
        payload: String,
        upstream: String,
    },
}

/// State of one isolate; reset for each run it serves.
pub(super) struct Shared {
    pub(super) hub: Rc<Hub>,
    pub(super) run: Cell<u64>,
    pub(super) limits: Cell<WireLimits>,
    pub(super) next_id: Cell<u32>,
    pub(super) in_flight: RefCell<HashSet<u32>>,
    pub(super) timers: RefCell<HashSet<u32>>,
    pub(super) calls: Cell<u64>,
    pub(super) log_lines: Cell<u32>,
    pub(super) log_bytes: Cell<usize>,
    pub(super) logs_dropped: Cell<u64>,
    pub(super) reported: RefCell<Option<Reported>>,
    pub(super) stop: Cell<Option<Stop>>,
    /// The bundle read the clock or drew a random number while it loaded; each run must load it again.
    pub(super) volatile: Cell<bool>,
    /// Process CPU clock at which the current slice must end.
    pub(super) cpu_end: Cell<Duration>,
    /// Where time, randomness and order come from when they are recorded or repeated.
    pub(super) deck: Deck,
    /// When the parent was last told that memory is short.
    memory_told: Cell<Option<Instant>>,
}

/// The isolate whose heap is active. Native functions belong to the snapshot and so to all isolates; they look here.
pub(super) struct Current {
    pub(super) hub: Rc<Hub>,
    isolate: RefCell<Rc<Shared>>,
    pub(super) zod: RefCell<Option<Persistent<Object<'static>>>>,
    /// State of `Math.random` (xorshift64*), because the engine's own is part of the snapshot.
    random: Cell<u64>,
}

impl Current {
    pub(super) fn new(hub: &Rc<Hub>, seed: u64) -> Rc<Self> {
        Rc::new(Self {
            hub: Rc::clone(hub),
            isolate: RefCell::new(Shared::new(Rc::clone(hub))),
            zod: RefCell::new(None),
            random: Cell::new(seed | 1),
        })
    }

    pub(super) fn get(&self) -> Rc<Shared> {
        Rc::clone(&self.isolate.borrow())
    }

    pub(super) fn set(&self, isolate: &Rc<Shared>) {
        self.isolate.borrow_mut().clone_from(isolate);
    }

    /// A number in [0, 1) with 53 random bits.
    pub(super) fn random(&self) -> f64 {
        if let Some(number) = self.isolate.borrow().deck.random() {
            return number;
        }
        let mut state = self.random.get();
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        self.random.set(state);
        (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1u64 << 53) as f64
    }
}

impl Shared {
    pub(super) fn new(hub: Rc<Hub>) -> Rc<Self> {
        Rc::new(Self {
            hub,
            run: Cell::new(0),
            limits: Cell::new(WireLimits::default()),
            next_id: Cell::new(1),
            in_flight: RefCell::default(),
            timers: RefCell::default(),
            calls: Cell::new(0),
            log_lines: Cell::new(0),
            log_bytes: Cell::new(0),
            logs_dropped: Cell::new(0),
            reported: RefCell::new(None),
            stop: Cell::new(None),
            volatile: Cell::new(false),
            cpu_end: Cell::new(Duration::MAX),
            deck: Deck::default(),
            memory_told: Cell::new(None),
        })
    }

    pub(super) fn begin_run(&self, run: u64, limits: WireLimits) {
        self.run.set(run);
        // Numbers of calls and timers are those of the run, whatever the isolate served before.
        self.next_id.set(1);
        self.limits.set(limits);
        self.calls.set(0);
        self.log_lines.set(0);
        self.log_bytes.set(0);
        self.logs_dropped.set(0);
        self.in_flight.borrow_mut().clear();
        self.timers.borrow_mut().clear();
        *self.reported.borrow_mut() = None;
        self.stop.set(None);
        self.memory_told.set(None);
    }

    pub(super) fn take_id(&self) -> u32 {
        let id = self.next_id.get();
        self.next_id.set(id.wrapping_add(1).max(1));
        id
    }

    /// True when nothing that could wake the run is left.
    pub(super) fn is_idle(&self) -> bool {
        self.in_flight.borrow().is_empty() && self.timers.borrow().is_empty()
    }

    /// Tells the parent when so many bytes are nearly all that the run may use.
    pub(super) fn watch_memory(&self, used: usize) {
        let limit = self.limits.get().memory_bytes;
        if limit == 0 || used / MEMORY_SHORT.1 * MEMORY_SHORT.0 < limit {
            return;
        }
        if self
            .memory_told
            .get()
            .is_some_and(|told| told.elapsed() < MEMORY_TOLD_EVERY)
        {
            return;
        }
        self.memory_told.set(Some(Instant::now()));
        let memory = MemoryUse {
            used: used as u64,
            limit: limit as u64,
        };
        let header = serde_json::to_vec(&memory).unwrap_or_default();
        self.hub.send(FrameKind::Memory, self.run.get(), 0, &header, &[]);
        // The slice may never come to its end.
        self.hub.flush();
    }

    /// Asked by the engine every few thousand operations.
    pub(super) fn should_interrupt(&self) -> bool {
        self.watch_memory(heap::in_use());
        if self.stop.get().is_some() {
            return true;
        }
        if crate::sys::own_cpu() >= self.cpu_end.get() {
            self.stop.set(Some(Stop::Cpu));
            return true;
        }
        let wanted = self.hub.status.words()[word::INTERRUPT].load(Ordering::Relaxed);
        if wanted != 0 && wanted == self.run.get() {
            self.stop.set(Some(Stop::Cancelled));
            return true;
        }
        false
    }
}
