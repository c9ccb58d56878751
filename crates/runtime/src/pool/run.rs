//! Driving one run: frames of its worker on one side, its host on the other.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use tokio_util::sync::CancellationToken;

use super::process::{Event, Fault, Worker};
use super::verdict::{Stopping, cpu_error, ended, failure, result_of, worker_lost};
use super::{Lease, Pool};
use crate::invocation::{Code, Limits};
use crate::outcome::{ErrorKind, Outcome, RunError};
use crate::protocol::{Host, HostCall, HostError, HostReply, codec};
use crate::tape::{Taping, WireTaping};
use crate::wire::{DoneHeader, Ending, Frame, FrameKind, RunHeader, Task, WireLimits, fits};

/// From the request to stop until the interrupt, and again until the kill. The worker itself gives up a run that
/// does not react after half of it.
const STOP_GRACE: Duration = Duration::from_secs(1);
/// A run that was lost with its worker before it asked the host for anything is started again this often.
const RESTARTS_MAX: u32 = 2;

/// A run in the pool's words.
pub(crate) struct Request {
    pub(crate) tenant: String,
    pub(crate) isolate_key: Option<String>,
    pub(crate) code: Arc<Code>,
    pub(crate) task: Task,
    pub(crate) input_json: Option<String>,
    pub(crate) context_json: String,
    pub(crate) limits: Limits,
    pub(crate) cancel: CancellationToken,
    pub(crate) taping: Taping,
}

/// How driving a run ended.
enum Driven {
    Done(Frame),
    /// Stopped on request without a last word of the worker.
    Stopped(Stopping),
    Lost(Option<(u64, Fault)>),
    Broken(String),
}

/// Accounts that live on the parent's side.
#[derive(Default)]
struct Accounts {
    host_calls: u64,
    stopping: Option<Stopping>,
}

impl Pool {
    /// Performs a run; never panics, never hangs beyond the limits.
    pub(crate) async fn perform(self: Arc<Self>, request: Request, host: Arc<dyn Host>) -> Outcome {
        let asked = Instant::now();
        let mut restarts = 0;
        loop {
            let lease = tokio::select! {
                lease = self.acquire(&request.tenant, request.isolate_key.as_deref(), &request.code.hash) => lease,
                () = request.cancel.cancelled() => Err(String::new()),
            };
            let queued = asked.elapsed();
            let lease = match lease {
                Ok(lease) => lease,
                Err(_) if request.cancel.is_cancelled() => {
                    return ended(Stopping::Cancelled.error(&request.limits), queued);
                }
                Err(reason) => {
                    let message = format!("No worker is available: {reason}");
                    return ended(failure(ErrorKind::Internal, "script_internal_error", message), queued);
                }
            };
            let begun = Instant::now();
            let run = self.next_run.fetch_add(1, Ordering::Relaxed);
            let mut accounts = Accounts::default();
            let driven = self.drive(&lease, run, &request, host.as_ref(), &mut accounts).await;
            let outcome = match driven {
                Driven::Done(frame) => self.conclude(&lease, &request, &frame, &accounts),
                Driven::Stopped(why) => ended(why.error(&request.limits), queued),
                Driven::Broken(message) => {
                    ended(failure(ErrorKind::Internal, "script_internal_error", message), queued)
                }
                Driven::Lost(fault) => match self.blame(run, &request, &accounts, fault) {
                    None if restarts < RESTARTS_MAX && accounts.host_calls == 0 => {
                        restarts += 1;
                        continue;
                    }
                    None => ended(worker_lost(), queued),
                    Some(error) => ended(error, queued),
                },
            };
            return Outcome {
                queued,
                wall: begun.elapsed(),
                host_calls: accounts.host_calls,
                ..outcome
            };
        }
    }

    async fn drive(
        &self,
        lease: &Lease,
        run: u64,
        request: &Request,
        host: &dyn Host,
        accounts: &mut Accounts,
    ) -> Driven {
        let worker = &lease.worker;
        let numbered = matches!(request.taping, Taping::Replay(..));
        let observer = request.taping.observer();
        if let Some(observer) = observer {
            observer.begins();
        }
        let mut events = worker.register(run, request.limits.cpu);
        let _registration = Registration { worker, run };
        let with_code = !self.knows_code(worker.id, &request.code.hash);
        if let Err(message) = send_run(worker, run, request, with_code).await {
            return message.map_or_else(|| Driven::Lost(None), Driven::Broken);
        }
        let mut calls = FuturesUnordered::new();
        let deadline = tokio::time::sleep(request.limits.wall);
        tokio::pin!(deadline);
        let mut stop_stage = 0u32;
        loop {
            let stopping = accounts.stopping.is_some();
            tokio::select! {
                biased;
                event = events.recv() => match event {
                    Some(Event::Frame(frame, permit)) => {
                        match frame.kind {
                            FrameKind::Call if !stopping => {
                                accounts.host_calls += 1;
                                match HostCall::decode(&frame.parcel) {
                                    Ok(call) => {
                                        if let Some(observer) = observer {
                                            observer.called(Some(frame.call), &call);
                                        }
                                        calls.push(async move {
                                            let answer = match numbered {
                                                true => host.answer(frame.call, call).await,
                                                false => host.call(call).await,
                                            };
                                            (frame.call, answer)
                                        });
                                    }
                                    Err(error) => return broken(worker, run, &error.to_string()),
                                }
                            }
                            FrameKind::Tell => match HostCall::decode(&frame.parcel) {
                                // In line, so that log lines keep their order among themselves and before the end.
                                Ok(call @ HostCall::Log { .. }) => {
                                    if let Some(observer) = observer {
                                        observer.called(None, &call);
                                    }
                                    drop(host.call(call).await);
                                }
                                Ok(_) | Err(_) => return broken(worker, run, "only log lines go without an answer"),
                            },
                            FrameKind::Done => return Driven::Done(frame),
                            FrameKind::NeedCode => {
                                if let Err(message) = send_run(worker, run, request, true).await {
                                    return message.map_or_else(|| Driven::Lost(None), Driven::Broken);
                                }
                            }
                            FrameKind::Memory => match serde_json::from_slice(&frame.parcel.header) {
                                Ok(memory) => host.memory_is_short(memory),
                                Err(error) => return broken(worker, run, &error.to_string()),
                            },
                            FrameKind::Call
                            | FrameKind::Hello
                            | FrameKind::Fatal
                            | FrameKind::Run
                            | FrameKind::Reply
                            | FrameKind::ReplyJson
                            | FrameKind::Cancel => {}
                        }
                        drop(permit);
                    }
                    Some(Event::Lost(fault)) => return Driven::Lost(fault),
                    None => return Driven::Lost(None),
                },
                Some((call, answer)) = calls.next(), if !stopping => {
                    if let Some(observer) = observer {
                        observer.answered(call, &answer);
                    }
                    // A worker that is gone is reported by its events.
                    let _ = send_answer(worker, run, call, answer, request.limits.parcel_bytes).await;
                }
                () = request.cancel.cancelled(), if !stopping => {
                    accounts.stopping = Some(Stopping::Cancelled);
                }
                () = &mut deadline => {
                    match accounts.stopping {
                        None => accounts.stopping = Some(Stopping::Overdue),
                        Some(why) if stop_stage >= 2 => {
                            if worker.executing() == Some(run) {
                                worker.kill(Some((run, Fault::Overdue)));
                                self.suspect(&request.code.hash);
                            }
                            return Driven::Stopped(why);
                        }
                        Some(_) => {
                            stop_stage = 2;
                            worker.interrupt(run);
                            deadline.as_mut().reset(tokio::time::Instant::now() + STOP_GRACE);
                        }
                    }
                }
            }
            if let (Some(why), 0) = (accounts.stopping, stop_stage) {
                stop_stage = 1;
                calls.clear();
                let _ = worker.send(FrameKind::Cancel, run, 0, why.code().as_bytes(), &[]).await;
                if worker.executing() == Some(run) {
                    worker.interrupt(run);
                }
                deadline.as_mut().reset(tokio::time::Instant::now() + STOP_GRACE);
            }
        }
    }

    /// Whose fault the loss of a worker was: an error when it was this run's, none when it was not.
    fn blame(&self, run: u64, request: &Request, accounts: &Accounts, fault: Option<(u64, Fault)>) -> Option<RunError> {
        let fault = fault.filter(|(culprit, _)| *culprit == run).map(|(_, fault)| fault);
        match (fault, accounts.stopping) {
            (None, None) => None,
            (None, Some(why)) | (Some(Fault::Overdue), Some(why)) => Some(why.error(&request.limits)),
            (Some(Fault::Cpu), _) => {
                self.suspect(&request.code.hash);
                Some(cpu_error(&request.limits))
            }
            (Some(Fault::Overdue), None) => Some(Stopping::Overdue.error(&request.limits)),
            (Some(Fault::Crashed), _) => {
                self.suspect(&request.code.hash);
                let message = "The worker process ended while it executed this function".to_owned();
                Some(failure(ErrorKind::WorkerLost, "script_worker_crashed", message))
            }
        }
    }

    fn knows_code(&self, worker: u64, hash: &str) -> bool {
        self.state()
            .workers
            .get(&worker)
            .is_some_and(|entry| entry.codes.contains(hash))
    }

    fn conclude(&self, lease: &Lease, request: &Request, frame: &Frame, accounts: &Accounts) -> Outcome {
        let header: DoneHeader = match serde_json::from_slice(&frame.parcel.header) {
            Ok(header) => header,
            Err(error) => {
                lease.worker.kill(None);
                let message = format!("The worker's report is malformed: {error}");
                return ended(
                    failure(ErrorKind::Internal, "script_internal_error", message),
                    Duration::ZERO,
                );
            }
        };
        if let Some(entry) = self.state().workers.get_mut(&lease.worker.id) {
            if header.ending != Ending::Internal {
                entry.codes.insert(request.code.hash.clone());
            }
            if let (true, Some(key)) = (header.kept, &request.isolate_key) {
                *entry.warm.entry(key.clone()).or_default() += 1;
            }
            for key in &header.dropped {
                if let Some(count) = entry.warm.get_mut(key) {
                    *count = count.saturating_sub(1);
                }
            }
            entry.warm.retain(|_, count| *count > 0);
        }
        let result = result_of(&header, frame, accounts.stopping, &request.limits)
            .map_err(|error| error.with_places_of_author(&request.code));
        Outcome {
            result,
            cpu: Duration::from_micros(header.cpu_us),
            wall: Duration::ZERO,
            queued: Duration::ZERO,
            memory_bytes: header.memory_bytes,
            host_calls: header.calls,
            logs_dropped: header.logs_dropped,
            warm: header.warm,
            tape: header.tape,
        }
    }
}

/// Takes a run's entry away when its driver ends, however it ends.
struct Registration<'a> {
    worker: &'a Worker,
    run: u64,
}

impl Drop for Registration<'_> {
    fn drop(&mut self) {
        self.worker.unregister(self.run);
    }
}

/// The error is a message, or none when the worker is gone.
async fn send_run(worker: &Worker, run: u64, request: &Request, with_code: bool) -> Result<(), Option<String>> {
    let header = RunHeader {
        task: request.task,
        hash: request.code.hash.clone(),
        filename: request.code.filename.clone(),
        isolate_key: request.isolate_key.clone(),
        has_input: request.input_json.is_some(),
        taping: WireTaping::from(&request.taping),
        limits: WireLimits::from(&request.limits),
    };
    let header = serde_json::to_vec(&header).map_err(|error| Some(error.to_string()))?;
    let input = request.input_json.as_deref().unwrap_or_default();
    let mut sections = vec![input.as_bytes(), request.context_json.as_bytes()];
    if with_code {
        sections.push(request.code.js.as_bytes());
    }
    if !fits(
        header.len(),
        sections.iter().map(|section| section.len()),
        request.limits.parcel_bytes,
    ) {
        return Err(Some("The input is too large".to_owned()));
    }
    worker
        .send(FrameKind::Run, run, 0, &header, &sections)
        .await
        .map_err(|_| None)
}

async fn send_answer(
    worker: &Worker,
    run: u64,
    call: u32,
    answer: Result<HostReply, HostError>,
    bytes_max: usize,
) -> std::io::Result<()> {
    let encode = |answer: &Result<HostReply, HostError>| codec::encode_answer(answer).map_err(std::io::Error::other);
    let mut kind = if matches!(answer, Ok(HostReply::Json(_))) {
        FrameKind::ReplyJson
    } else {
        FrameKind::Reply
    };
    let mut parcel = encode(&answer)?;
    if !fits(parcel.header.len(), parcel.sections.iter().map(Bytes::len), bytes_max) {
        let text = format!("The answer is larger than {bytes_max} bytes");
        kind = FrameKind::Reply;
        parcel = encode(&Err(HostError::plain(text)))?;
    }
    let sections: Vec<&[u8]> = parcel.sections.iter().map(AsRef::as_ref).collect();
    worker.send(kind, run, call, &parcel.header, &sections).await
}

/// A worker that does not speak the protocol is not ours any more.
fn broken(worker: &Worker, run: u64, message: &str) -> Driven {
    tracing::error!(run, message, "a worker broke the protocol");
    worker.kill(None);
    Driven::Broken(format!("The worker broke the protocol: {message}"))
}
