//! The worker process: a single-threaded loop over one socket, many isolates.
//!
//! Started by the parent with three descriptors in place of the standard ones: 0 the socket, 1 sealed memory with
//! the bytecode of prelude and Zod, 2 the status page. It maps the two, closes everything else, closes the sandbox
//! and only then reads its first frame.

pub(crate) mod bytecode;
mod engine;
mod heap;
mod isolate;
mod natives;
mod sandbox;
pub(crate) mod shared;
mod taping;

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::io::{self, Read};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::net::UnixStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use ring::rand::{SecureRandom, SystemRandom};

use crate::sys::{self, StatusPage};
use crate::wire::{DoneHeader, Ending, Failure, Frame, FrameKind, RunHeader, Task, take_frame};
use engine::{Engine, EngineError};
use heap::Snapshot;
use isolate::{Finished, Isolate};
use shared::Hub;

/// Writable memory of a worker, untouched copies of the snapshot included.
const DATA_BYTES_MAX: u64 = 64 << 30;
/// Largest frame from the parent; the parent bounds what it sends per run.
const FRAME_BYTES_MAX: usize = 512 << 20;
/// Isolates kept warm; the least recently used goes first.
const WARM_MAX: usize = 16;
/// Compiled bundles kept.
const CODE_MAX: usize = 64;
/// Bundles of which a loaded template is kept; each takes about 2.5 MB.
const TEMPLATES_MAX: usize = 8;
/// A cancelled run may still do this long what it does without host calls.
const CANCEL_GRACE: Duration = Duration::from_millis(500);
/// Timer id that marks the end of the grace.
const GRACE_TIMER: u32 = 0;
const READ_BYTES: usize = 64 << 10;

/// Why a worker could not begin; the parent learns it in a last frame.
#[derive(Debug, thiserror::Error)]
enum StartError {
    #[error("a descriptor is missing")]
    Descriptor(#[source] io::Error),
    #[error("the bytecode is malformed")]
    Blob,
    #[error("the system has no random bytes")]
    Random,
    #[error(transparent)]
    Sandbox(#[from] sandbox::Error),
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// Runs the worker; the binary calls this first thing for its hidden `worker` command, before it starts threads.
pub fn worker_main() -> ! {
    let code = match start() {
        Ok(worker) => worker.serve(),
        Err(_) => 3,
    };
    std::process::exit(code)
}

fn start() -> Result<Worker, StartError> {
    let socket = io::stdin()
        .as_fd()
        .try_clone_to_owned()
        .map_err(StartError::Descriptor)?;
    let stream = UnixStream::from(socket);
    let bytecode = io::stdout();
    let length = std::fs::File::from(bytecode.as_fd().try_clone_to_owned().map_err(StartError::Descriptor)?)
        .metadata()
        .map_err(StartError::Descriptor)?
        .len();
    let blob = sys::map_forever(bytecode.as_fd().as_raw_fd(), length as usize).map_err(StartError::Descriptor)?;
    let (prelude, zod) = bytecode::split_blob(blob).ok_or(StartError::Blob)?;
    let status = StatusPage::map(io::stderr().as_fd().as_raw_fd()).map_err(StartError::Descriptor)?;
    sys::close_all_but(stream.as_raw_fd());
    let hub = Hub::new(stream, status);
    std::panic::set_hook(Box::new(|_| {}));
    match settle_in(&hub, prelude, zod) {
        Ok(engine) => Ok(Worker {
            hub,
            engine: Rc::new(engine),
            running: HashMap::new(),
            warm: VecDeque::new(),
            code: VecDeque::new(),
        }),
        Err(error) => {
            hub.send(FrameKind::Fatal, 0, 0, describe(&error).as_bytes(), &[]);
            hub.flush();
            Err(error)
        }
    }
}

/// The snapshot is made before the sandbox closes, because it seals a file; only our own code has run by then.
fn settle_in(hub: &Rc<Hub>, prelude: &[u8], zod: &[u8]) -> Result<Engine, StartError> {
    let mut seed = [0; 8];
    SystemRandom::new().fill(&mut seed).map_err(|_| StartError::Random)?;
    let engine = Engine::build(hub, prelude, zod, u64::from_ne_bytes(seed))?;
    sandbox::close(DATA_BYTES_MAX)?;
    Ok(engine)
}

fn describe(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text.push_str(": ");
        text.push_str(&inner.to_string());
        source = inner.source();
    }
    text
}

struct Worker {
    hub: Rc<Hub>,
    engine: Rc<Engine>,
    running: HashMap<u64, Isolate>,
    /// Least recently used first.
    warm: VecDeque<Isolate>,
    /// Least recently used first.
    code: VecDeque<Loadable>,
}

/// A bundle this worker has compiled.
struct Loadable {
    hash: String,
    bytecode: Rc<[u8]>,
    template: Template,
}

/// Whether there is an isolate with the bundle loaded to make copies of.
enum Template {
    /// Not tried: the bundle was used once.
    Untried,
    Ready(Rc<Snapshot>),
    /// Must be loaded for each run.
    Unfit,
}

impl Worker {
    fn serve(mut self) -> i32 {
        self.hub.send(FrameKind::Hello, 0, 0, b"", &[]);
        let mut buffer = BytesMut::with_capacity(READ_BYTES);
        loop {
            self.hub.flush();
            let fd = self.hub.stream().as_raw_fd();
            match sys::wait_readable(fd, self.next_timer()) {
                Ok(true) => match self.read(&mut buffer) {
                    Ok(true) => {}
                    Ok(false) => return 0,
                    Err(_) => return 4,
                },
                Ok(false) => {}
                Err(_) => return 4,
            }
            loop {
                match take_frame(&mut buffer, FRAME_BYTES_MAX) {
                    Ok(Some(frame)) => self.handle(frame),
                    Ok(None) => break,
                    Err(_) => return 5,
                }
            }
            self.fire_timers();
        }
    }

    /// False at the end of the stream.
    fn read(&self, buffer: &mut BytesMut) -> io::Result<bool> {
        let at = buffer.len();
        let room = (buffer.capacity() - at).clamp(READ_BYTES, 1 << 20);
        buffer.resize(at + room, 0);
        let read = self.hub.stream().read(&mut buffer[at..]);
        let count = match read {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                buffer.truncate(at);
                return Ok(true);
            }
            Err(error) => return Err(error),
        };
        buffer.truncate(at + count);
        Ok(count > 0)
    }

    fn handle(&mut self, frame: Frame) {
        match frame.kind {
            FrameKind::Run => self.start_run(&frame),
            FrameKind::Reply | FrameKind::ReplyJson => {
                if let Some(isolate) = self.running.get_mut(&frame.run) {
                    isolate.receive(frame.kind, frame.call, frame.parcel);
                    self.settle(frame.run);
                }
            }
            FrameKind::Cancel => {
                if let Some(isolate) = self.running.get_mut(&frame.run) {
                    isolate.cancel(&String::from_utf8_lossy(&frame.parcel.header));
                    let end = Instant::now() + CANCEL_GRACE;
                    self.hub
                        .timers
                        .borrow_mut()
                        .push(Reverse((end, frame.run, GRACE_TIMER)));
                    self.settle(frame.run);
                }
            }
            FrameKind::Hello
            | FrameKind::Call
            | FrameKind::Tell
            | FrameKind::Done
            | FrameKind::NeedCode
            | FrameKind::Fatal
            | FrameKind::Memory => {}
        }
    }

    fn start_run(&mut self, frame: &Frame) {
        let header: RunHeader = match serde_json::from_slice(&frame.parcel.header) {
            Ok(header) => header,
            Err(error) => return self.refuse(frame.run, "InternalError", &error.to_string(), Ending::Internal),
        };
        let prepared = self
            .take_warm(&header)
            .or_else(|| self.copy_template(frame.run, &header));
        let known = self.code_of(&header.hash).map(|known| Rc::clone(&known.bytecode));
        let bytecode = match (&prepared, known, frame.parcel.sections.get(2)) {
            (Some(_), ..) => None,
            (None, Some(known), _) => Some(known),
            (None, None, None) => return self.hub.send(FrameKind::NeedCode, frame.run, 0, b"", &[]),
            (None, None, Some(source)) => match self.compile(&header, source) {
                Ok(bytecode) => Some(bytecode),
                Err(error) => return self.refuse(frame.run, &error.name, &error.message, Ending::Failure),
            },
        };
        let Some(mut isolate) = prepared.or_else(|| Isolate::new(&self.engine)) else {
            let message = "the worker holds too many runs";
            return self.refuse(frame.run, "InternalError", message, Ending::Internal);
        };
        isolate.start(frame.run, &header, &frame.parcel, bytecode.as_deref());
        isolate.advance();
        self.running.insert(frame.run, isolate);
        self.settle(frame.run);
    }

    fn compile(&mut self, header: &RunHeader, source: &[u8]) -> Result<Rc<[u8]>, bytecode::CompileError> {
        let source = String::from_utf8_lossy(source);
        let bytecode: Rc<[u8]> = bytecode::compile_bundle(&header.filename, &source)?.into();
        if self.code.len() >= CODE_MAX {
            self.code.pop_front();
        }
        let hash = header.hash.clone();
        self.code.push_back(Loadable {
            hash,
            bytecode: Rc::clone(&bytecode),
            template: Template::Untried,
        });
        Ok(bytecode)
    }

    /// The bundle with this hash, which becomes the most recently used.
    fn code_of(&mut self, hash: &str) -> Option<&mut Loadable> {
        let index = self.code.iter().position(|known| known.hash == hash)?;
        let entry = self.code.remove(index)?;
        self.code.push_back(entry);
        self.code.back_mut()
    }

    /// A copy of the bundle's template, which is made when the bundle is used for the second time.
    fn copy_template(&mut self, run: u64, header: &RunHeader) -> Option<Isolate> {
        if header.task == Task::Define {
            return None;
        }
        let engine = Rc::clone(&self.engine);
        let known = self.code_of(&header.hash)?;
        if matches!(known.template, Template::Untried) {
            let made = Isolate::make_template(&engine, run, header, &known.bytecode);
            known.template = made.map_or(Template::Unfit, Template::Ready);
            self.limit_templates();
        }
        match &self.code_of(&header.hash)?.template {
            Template::Ready(template) => Isolate::from_template(&engine, template, &header.hash),
            Template::Untried | Template::Unfit => None,
        }
    }

    /// Drops the template used least recently when there are too many.
    fn limit_templates(&mut self) {
        let ready = |known: &&mut Loadable| matches!(known.template, Template::Ready(_));
        if self.code.iter_mut().filter(ready).count() > TEMPLATES_MAX
            && let Some(oldest) = self.code.iter_mut().find(ready)
        {
            oldest.template = Template::Untried;
        }
    }

    fn take_warm(&mut self, header: &RunHeader) -> Option<Isolate> {
        let key = header.isolate_key.as_deref()?;
        let found = |isolate: &Isolate| isolate.key.as_deref() == Some(key) && isolate.has_loaded(&header.hash);
        let index = self.warm.iter().position(found)?;
        self.warm.remove(index)
    }

    /// Reports the end of a run, if it ended, and keeps or drops its isolate.
    fn settle(&mut self, run: u64) {
        let Some(isolate) = self.running.get_mut(&run) else {
            return;
        };
        let Some(Finished {
            mut header,
            sections,
            reusable,
        }) = isolate.finished()
        else {
            return;
        };
        let Some(isolate) = self.running.remove(&run) else {
            return;
        };
        if reusable && isolate.key.is_some() {
            header.kept = true;
            self.warm.push_back(isolate);
            if self.warm.len() > WARM_MAX {
                header
                    .dropped
                    .extend(self.warm.pop_front().and_then(|old| old.key.clone()));
            }
            self.done(run, &header, &sections);
        } else {
            // The answer goes first; giving memory back is not the caller's time.
            self.done(run, &header, &sections);
            self.hub.flush();
            drop(isolate);
        }
    }

    fn done(&self, run: u64, header: &DoneHeader, sections: &[String]) {
        let header = serde_json::to_vec(header).unwrap_or_default();
        let sections: Vec<&[u8]> = sections.iter().map(String::as_bytes).collect();
        self.hub.send(FrameKind::Done, run, 0, &header, &sections);
    }

    fn refuse(&self, run: u64, name: &str, message: &str, ending: Ending) {
        let payload = serde_json::json!({ "name": name, "message": message }).to_string();
        let failure = Failure {
            type_: "script_internal_error".to_owned(),
            status: 500,
            message: message.to_owned(),
            ..Failure::default()
        };
        let header = DoneHeader {
            ending,
            failure: Some(failure),
            cpu_us: 0,
            memory_bytes: 0,
            calls: 0,
            logs_dropped: 0,
            warm: false,
            kept: false,
            dropped: Vec::new(),
            tape: None,
        };
        self.done(run, &header, &[payload, String::new()]);
    }

    fn next_timer(&self) -> Option<Duration> {
        let timers = self.hub.timers.borrow();
        timers
            .peek()
            .map(|Reverse((when, ..))| when.saturating_duration_since(Instant::now()))
    }

    fn fire_timers(&mut self) {
        let now = Instant::now();
        loop {
            let due = {
                let mut timers = self.hub.timers.borrow_mut();
                match timers.peek() {
                    Some(Reverse((when, ..))) if *when <= now => timers.pop(),
                    _ => None,
                }
            };
            let Some(Reverse((_, run, timer))) = due else {
                return;
            };
            if let Some(isolate) = self.running.get_mut(&run) {
                if timer == GRACE_TIMER {
                    isolate.give_up();
                } else {
                    isolate.fire(timer);
                }
                self.settle(run);
            }
        }
    }
}
