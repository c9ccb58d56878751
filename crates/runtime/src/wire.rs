//! Frames between parent and worker.
//!
//! ```text
//! u32 length of the rest │ u8 kind │ u8 sections │ u16 0 │ u32 call │ u64 run │ u32 header bytes │ u32 bytes of each section
//! header │ section 0 │ section 1 │ …
//! ```
//! All numbers little endian. Both sides bound what they accept; the parent treats a malformed frame as the end of
//! the worker.

use bytes::{Buf, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::invocation::{Kind, Limits};
use crate::protocol::Parcel;
use crate::tape::{Tape, WireTaping};

/// What a frame is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum FrameKind {
    /// Parent → worker: start a run ([`RunHeader`]; sections input, context, code).
    Run = 1,
    /// Parent → worker: answer to a host call; sections as [`crate::protocol::codec`] writes them.
    Reply = 2,
    /// As `Reply`, but section 0 is JSON to be parsed by the engine.
    ReplyJson = 3,
    /// Parent → worker: end a run; the header is the code (`script_aborted`, `execution_timeout`) as plain text.
    Cancel = 4,
    /// Worker → parent: sandbox closed, ready.
    Hello = 16,
    /// Worker → parent: host call.
    Call = 17,
    /// Worker → parent: host call that nobody waits for (log lines).
    Tell = 18,
    /// Worker → parent: end of a run ([`DoneHeader`]; sections result or payload, upstream).
    Done = 19,
    /// Worker → parent: the code of this run is not here; send the run again with it.
    NeedCode = 20,
    /// Worker → parent: last words.
    Fatal = 21,
    /// Worker → parent: the run's memory is nearly used up; the header is a [`MemoryUse`](crate::protocol::MemoryUse).
    Memory = 22,
}

impl FrameKind {
    fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Run,
            2 => Self::Reply,
            3 => Self::ReplyJson,
            4 => Self::Cancel,
            16 => Self::Hello,
            17 => Self::Call,
            18 => Self::Tell,
            19 => Self::Done,
            20 => Self::NeedCode,
            21 => Self::Fatal,
            22 => Self::Memory,
            _ => return None,
        })
    }
}

/// One message.
#[derive(Debug, Clone)]
pub(crate) struct Frame {
    pub(crate) kind: FrameKind,
    pub(crate) run: u64,
    pub(crate) call: u32,
    pub(crate) parcel: Parcel,
}

/// Why bytes are not a frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FrameError {
    #[error("frame of {0} bytes is too large")]
    TooLarge(usize),
    #[error("frame is malformed")]
    Malformed,
}

const PREFIX: usize = 4;
const FIXED: usize = 20;
const SECTIONS_MAX: usize = 200;

/// Writes a frame's start; sections follow with [`append_section`]-free concatenation by the caller.
pub(crate) fn append_frame(out: &mut Vec<u8>, kind: FrameKind, run: u64, call: u32, header: &[u8], sections: &[&[u8]]) {
    let body: usize = header.len() + sections.iter().map(|section| section.len()).sum::<usize>();
    let length = FIXED + 4 * sections.len() + body;
    out.reserve(PREFIX + length);
    out.extend_from_slice(&(length as u32).to_le_bytes());
    out.extend_from_slice(&[kind as u8, sections.len() as u8, 0, 0]);
    out.extend_from_slice(&call.to_le_bytes());
    out.extend_from_slice(&run.to_le_bytes());
    out.extend_from_slice(&(header.len() as u32).to_le_bytes());
    for section in sections {
        out.extend_from_slice(&(section.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(header);
    for section in sections {
        out.extend_from_slice(section);
    }
}

/// True when a frame of these parts may be sent.
pub(crate) fn fits(header: usize, sections: impl IntoIterator<Item = usize>, bytes_max: usize) -> bool {
    let mut count = 0;
    let mut total = header;
    for section in sections {
        count += 1;
        total = total.saturating_add(section);
    }
    count <= SECTIONS_MAX && total <= bytes_max
}

/// Takes the next whole frame from a buffer, or says how many bytes the buffer should be able to hold.
pub(crate) fn take_frame(buffer: &mut BytesMut, bytes_max: usize) -> Result<Option<Frame>, FrameError> {
    let Some(length) = buffer.first_chunk::<PREFIX>() else {
        return Ok(None);
    };
    let length = u32::from_le_bytes(*length) as usize;
    if length > bytes_max.saturating_add(FIXED + 4 * SECTIONS_MAX) {
        return Err(FrameError::TooLarge(length));
    }
    if length < FIXED {
        return Err(FrameError::Malformed);
    }
    if buffer.len() < PREFIX + length {
        buffer.reserve(PREFIX + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(PREFIX);
    let mut rest = buffer.split_to(length).freeze();
    let kind = FrameKind::from_byte(rest.get_u8()).ok_or(FrameError::Malformed)?;
    let section_count = rest.get_u8() as usize;
    rest.advance(2);
    let call = rest.get_u32_le();
    let run = rest.get_u64_le();
    let header_len = rest.get_u32_le() as usize;
    if section_count > SECTIONS_MAX || rest.len() < 4 * section_count {
        return Err(FrameError::Malformed);
    }
    let lengths: Vec<usize> = (0..section_count).map(|_| rest.get_u32_le() as usize).collect();
    let header = split(&mut rest, header_len)?;
    let sections = lengths
        .into_iter()
        .map(|len| split(&mut rest, len))
        .collect::<Result<Vec<_>, _>>()?;
    if !rest.is_empty() {
        return Err(FrameError::Malformed);
    }
    Ok(Some(Frame {
        kind,
        run,
        call,
        parcel: Parcel { header, sections },
    }))
}

fn split(rest: &mut Bytes, len: usize) -> Result<Bytes, FrameError> {
    if rest.len() < len {
        Err(FrameError::Malformed)
    } else {
        Ok(rest.split_to(len))
    }
}

/// What to call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Task {
    /// A function run.
    Call(Kind),
    /// Evaluate the bundle and describe its export.
    Define,
}

/// Header of [`FrameKind::Run`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RunHeader {
    pub(crate) task: Task,
    pub(crate) hash: String,
    pub(crate) filename: String,
    pub(crate) isolate_key: Option<String>,
    pub(crate) has_input: bool,
    #[serde(default)]
    pub(crate) taping: WireTaping,
    pub(crate) limits: WireLimits,
}

/// [`Limits`] as the worker needs them.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct WireLimits {
    pub(crate) cpu_us: u64,
    pub(crate) memory_bytes: usize,
    pub(crate) stack_bytes: usize,
    pub(crate) output_bytes: usize,
    pub(crate) calls_in_flight: u32,
    pub(crate) calls: u64,
    pub(crate) parcel_bytes: usize,
    pub(crate) log_lines: u32,
    pub(crate) log_bytes: usize,
    pub(crate) timers: u32,
}

impl From<&Limits> for WireLimits {
    fn from(limits: &Limits) -> Self {
        Self {
            cpu_us: limits.cpu.as_micros().min(u128::from(u64::MAX)) as u64,
            memory_bytes: limits.memory_bytes,
            stack_bytes: limits.stack_bytes,
            output_bytes: limits.output_bytes,
            calls_in_flight: limits.host_calls_in_flight_max,
            calls: limits.host_calls_max,
            parcel_bytes: limits.parcel_bytes,
            log_lines: limits.log_lines_max,
            log_bytes: limits.log_bytes_max,
            timers: limits.timers_max,
        }
    }
}

/// How a run ended, as the worker saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// Section 0 is the output.
    Success,
    /// `failure` says what was thrown; sections payload and upstream.
    Failure,
    /// CPU budget used up.
    CpuLimit,
    /// Memory limit reached.
    MemoryLimit,
    /// Output larger than allowed.
    OutputLimit,
    /// Too many host calls.
    CallLimit,
    /// Nothing left that could settle the run's promise.
    NeverSettles,
    /// Ended on request; the parent knows why.
    Cancelled,
    /// The worker could not set the run up; `failure.message` says why.
    Internal,
}

/// Header of [`FrameKind::Done`].
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct DoneHeader {
    pub(crate) ending: Ending,
    pub(crate) failure: Option<Failure>,
    pub(crate) cpu_us: u64,
    pub(crate) memory_bytes: u64,
    pub(crate) calls: u64,
    pub(crate) logs_dropped: u64,
    /// A warm isolate served the run.
    pub(crate) warm: bool,
    /// The isolate was kept for the next run with this key.
    pub(crate) kept: bool,
    /// Keys of isolates given up to make room.
    pub(crate) dropped: Vec<String>,
    /// What was to be recorded of the run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) tape: Option<Tape>,
}

/// What a function threw, described by the prelude; nothing of it is trusted beyond its size.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    #[serde(rename = "type")]
    pub(crate) type_: String,
    pub(crate) status: u16,
    pub(crate) message: String,
    pub(crate) stack: Option<String>,
    #[serde(rename = "hasUpstream")]
    pub(crate) has_upstream: bool,
    #[serde(rename = "outOfMemory")]
    pub(crate) out_of_memory: bool,
}

#[cfg(test)]
mod tests;
