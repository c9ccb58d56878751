//! Worker processes as the parent sees them.

use std::collections::HashMap;
use std::io;
use std::os::unix::net::UnixStream as StdStream;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Pool;
use crate::config::RuntimeConfig;
use crate::sys::{self, StatusPage};
use crate::wire::{Frame, FrameKind, append_frame, take_frame};
use crate::worker::bytecode;
use crate::worker::shared::word;

/// Larger frames from a worker end it: no run may send more than its limit allows.
const FRAME_BYTES_MAX: usize = 256 << 20;
/// KiB of frames that were read but not yet handled, per worker.
const QUEUED_KIB_MAX: usize = 128 << 10;

/// What the thread that starts processes is asked for.
pub(super) enum Job {
    Start(oneshot::Sender<io::Result<Started>>),
    Reap(Child),
}

/// A process whose sandbox may still be closing.
pub(super) struct Started {
    child: Child,
    stream: StdStream,
    status: StatusPage,
}

/// Starts the thread that starts processes. It lives as long as the pool: a worker asks the kernel to be killed
/// with its parent, and for the kernel the parent is the *thread* that started it.
pub(super) fn spawn_starter(config: RuntimeConfig) -> io::Result<mpsc::Sender<Job>> {
    let (sender, jobs) = mpsc::channel();
    std::thread::Builder::new()
        .name("tenon-workers".to_owned())
        .spawn(move || {
            let mut blob = None;
            for job in jobs {
                match job {
                    Job::Start(answer) => drop(answer.send(start(&config, &mut blob))),
                    Job::Reap(mut child) => {
                        let _ = child.kill();
                        let _ = child.wait();
                    }
                }
            }
        })?;
    Ok(sender)
}

fn start(config: &RuntimeConfig, blob: &mut Option<std::os::fd::OwnedFd>) -> io::Result<Started> {
    let blob = match blob {
        Some(blob) => blob,
        None => {
            let bytes = bytecode::build_blob().map_err(io::Error::other)?;
            blob.insert(sys::sealed_memory(&bytes)?)
        }
    };
    let (parent, child) = StdStream::pair()?;
    let (status, status_fd) = StatusPage::create()?;
    let child = Command::new(std::path::absolute(&config.worker_exe)?)
        .args(&config.worker_args)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(std::os::fd::OwnedFd::from(child)))
        .stdout(Stdio::from(blob.try_clone()?))
        .stderr(Stdio::from(status_fd))
        .spawn()?;
    parent.set_nonblocking(true)?;
    Ok(Started {
        child,
        stream: parent,
        status,
    })
}

/// Why a worker was or had to be killed while a run was executing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// The run used its CPU budget and did not stop.
    Cpu,
    /// The run was to end (deadline, cancellation) and did not.
    Overdue,
    /// The process died by itself.
    Crashed,
}

/// What a run's driver hears from its worker.
pub(super) enum Event {
    Frame(Frame, OwnedSemaphorePermit),
    /// The process is gone; the run named is the one that was executing.
    Lost(Option<(u64, Fault)>),
}

/// A run's entry at its worker.
struct Slot {
    events: tokio::sync::mpsc::UnboundedSender<Event>,
    cpu_max: Duration,
}

/// The slice a worker was seen in last.
#[derive(Default)]
struct Seen {
    slices: u64,
    cpu: Duration,
    ticks: u32,
}

/// A live worker process.
pub(super) struct Worker {
    pub(super) id: u64,
    pid: u32,
    status: StatusPage,
    writer: tokio::sync::Mutex<OwnedWriteHalf>,
    runs: Mutex<HashMap<u64, Slot>>,
    fault: Mutex<Option<(u64, Fault)>>,
    child: Mutex<Option<Child>>,
    lost: AtomicBool,
    seen: Mutex<Seen>,
}

/// Mutexes here guard plain data that no panic can leave half changed.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Worker {
    /// Takes over a started process and waits until its sandbox is closed.
    pub(super) async fn adopt(id: u64, started: Started, pool: Weak<Pool>) -> io::Result<Arc<Self>> {
        let (reader, writer) = UnixStream::from_std(started.stream)?.into_split();
        let worker = Arc::new(Self {
            id,
            pid: started.child.id(),
            status: started.status,
            writer: tokio::sync::Mutex::new(writer),
            runs: Mutex::default(),
            fault: Mutex::default(),
            child: Mutex::new(Some(started.child)),
            lost: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let (ready, greeting) = oneshot::channel();
        tokio::spawn(read_frames(Arc::clone(&worker), reader, pool, ready));
        match greeting.await {
            Ok(Ok(())) => Ok(worker),
            Ok(Err(message)) => Err(io::Error::other(message)),
            Err(_) => Err(io::Error::other("the worker ended before it was ready")),
        }
    }

    /// Registers a run; its events arrive in the receiver.
    pub(super) fn register(&self, run: u64, cpu_max: Duration) -> tokio::sync::mpsc::UnboundedReceiver<Event> {
        let (events, receiver) = tokio::sync::mpsc::unbounded_channel();
        lock(&self.runs).insert(
            run,
            Slot {
                events: events.clone(),
                cpu_max,
            },
        );
        if self.lost.load(Ordering::Acquire) {
            drop(events.send(Event::Lost(*lock(&self.fault))));
        }
        receiver
    }

    pub(super) fn unregister(&self, run: u64) {
        lock(&self.runs).remove(&run);
    }

    /// Sends a frame. An error means that the worker is gone, which its runs hear separately.
    pub(super) async fn send(
        &self,
        kind: FrameKind,
        run: u64,
        call: u32,
        header: &[u8],
        sections: &[&[u8]],
    ) -> io::Result<()> {
        let mut out = Vec::new();
        append_frame(&mut out, kind, run, call, header, sections);
        self.writer.lock().await.write_all(&out).await
    }

    /// Asks the worker to stop a run at its next interrupt tick.
    pub(super) fn interrupt(&self, run: u64) {
        self.status.words()[word::INTERRUPT].store(run, Ordering::Release);
    }

    /// The run whose code is executing right now.
    pub(super) fn executing(&self) -> Option<u64> {
        Some(self.status.words()[word::SLICE_RUN].load(Ordering::Acquire)).filter(|run| *run != 0)
    }

    /// Ends the process; the fault is told to its runs.
    pub(super) fn kill(&self, fault: Option<(u64, Fault)>) {
        let mut known = lock(&self.fault);
        if known.is_none() {
            *known = fault;
        }
        drop(known);
        if let Some(child) = lock(&self.child).as_mut() {
            let _ = child.kill();
        }
    }

    /// Looks at what the worker is doing. Returns true while one slice is taking long; kills the worker when a run
    /// is beyond its CPU budget by a margin, i.e. sits in native code that never looks at the interrupt.
    pub(super) fn inspect(&self) -> bool {
        let Some(run) = self.executing() else {
            *lock(&self.seen) = Seen::default();
            return false;
        };
        let slices = self.status.words()[word::SLICES].load(Ordering::Acquire);
        let cpu = sys::cpu_of(self.pid);
        let mut seen = lock(&self.seen);
        if seen.slices != slices || seen.ticks == 0 {
            *seen = Seen { slices, cpu, ticks: 1 };
            return false;
        }
        seen.ticks = seen.ticks.saturating_add(1);
        let used = cpu.saturating_sub(seen.cpu);
        drop(seen);
        let cpu_max = lock(&self.runs).get(&run).map_or(Duration::ZERO, |slot| slot.cpu_max);
        if used > cpu_max + cpu_max / 10 + Duration::from_millis(300) {
            tracing::warn!(
                worker.pid = self.pid,
                run,
                "killing a worker whose run ignores its interrupt"
            );
            self.kill(Some((run, Fault::Cpu)));
        }
        true
    }

    /// Hands the child to the thread that waits for it.
    fn take_child(&self) -> Option<Child> {
        lock(&self.child).take()
    }
}

async fn read_frames(
    worker: Arc<Worker>,
    mut reader: OwnedReadHalf,
    pool: Weak<Pool>,
    ready: oneshot::Sender<Result<(), String>>,
) {
    let mut ready = Some(ready);
    let mut buffer = BytesMut::with_capacity(64 << 10);
    let queued = Arc::new(Semaphore::new(QUEUED_KIB_MAX));
    'reading: loop {
        loop {
            let frame = match take_frame(&mut buffer, FRAME_BYTES_MAX) {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(error) => {
                    tracing::error!(worker.pid = worker.pid, %error, "a worker sent a malformed frame");
                    break 'reading;
                }
            };
            match frame.kind {
                FrameKind::Hello => {
                    if let Some(ready) = ready.take() {
                        drop(ready.send(Ok(())));
                    }
                }
                FrameKind::Fatal => {
                    let message = String::from_utf8_lossy(&frame.parcel.header).into_owned();
                    if let Some(ready) = ready.take() {
                        drop(ready.send(Err(message)));
                    }
                }
                FrameKind::Call | FrameKind::Tell | FrameKind::Done | FrameKind::NeedCode | FrameKind::Memory => {
                    let size =
                        frame.parcel.sections.iter().map(bytes::Bytes::len).sum::<usize>() + frame.parcel.header.len();
                    let permits = (size / 1024 + 1).min(QUEUED_KIB_MAX) as u32;
                    let Ok(permit) = Arc::clone(&queued).acquire_many_owned(permits).await else {
                        break 'reading;
                    };
                    if let Some(slot) = lock(&worker.runs).get(&frame.run) {
                        drop(slot.events.send(Event::Frame(frame, permit)));
                    }
                }
                FrameKind::Run | FrameKind::Reply | FrameKind::ReplyJson | FrameKind::Cancel => break 'reading,
            }
        }
        match reader.read_buf(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    close(&worker, &pool);
}

/// The process is gone or must go: tell its runs, wait for the process elsewhere, free its place.
fn close(worker: &Arc<Worker>, pool: &Weak<Pool>) {
    {
        let mut fault = lock(&worker.fault);
        if fault.is_none() {
            *fault = worker.executing().map(|run| (run, Fault::Crashed));
        }
    }
    worker.lost.store(true, Ordering::Release);
    let fault = *lock(&worker.fault);
    for slot in lock(&worker.runs).values() {
        drop(slot.events.send(Event::Lost(fault)));
    }
    let child = worker.take_child();
    match pool.upgrade() {
        Some(pool) => pool.forget(worker.id, child),
        None => {
            if let Some(mut child) = child {
                let _ = child.kill();
            }
        }
    }
}
