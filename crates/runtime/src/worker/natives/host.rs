//! Host calls, timers, the end of a run, and Zod.

use std::cmp::Reverse;
use std::rc::Rc;
use std::time::{Duration, Instant};

use rquickjs::{Array, CString, Ctx, Exception, Function, Object, Result, String as JsString, Value};

use super::super::shared::{Current, Reported, Shared, Stop};
use super::text;
use crate::wire::{Failure, FrameKind, fits};

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>, current: &Rc<Current>) -> Result<()> {
    let own = Rc::clone(current);
    let call =
        move |ctx: Ctx<'js>, header: JsString<'js>, sections: Array<'js>| call(&ctx, &own.get(), header, &sections);
    native.set("call", Function::new(ctx.clone(), call)?)?;
    let own = Rc::clone(current);
    let tell =
        move |ctx: Ctx<'js>, header: JsString<'js>, sections: Array<'js>| tell(&ctx, &own.get(), header, &sections);
    native.set("tell", Function::new(ctx.clone(), tell)?)?;
    let own = Rc::clone(current);
    native.set(
        "timer",
        Function::new(ctx.clone(), move |ctx: Ctx<'js>, delay_ms: f64| {
            timer(&ctx, &own.get(), delay_ms)
        })?,
    )?;
    let own = Rc::clone(current);
    native.set(
        "rearm",
        Function::new(ctx.clone(), move |id: u32, delay_ms: f64| arm(&own.get(), id, delay_ms))?,
    )?;
    let own = Rc::clone(current);
    native.set(
        "clearTimer",
        Function::new(ctx.clone(), move |id: u32| own.get().timers.borrow_mut().remove(&id))?,
    )?;
    let own = Rc::clone(current);
    native.set(
        "succeed",
        Function::new(ctx.clone(), move |result: JsString<'js>| succeed(&own.get(), result))?,
    )?;
    let own = Rc::clone(current);
    let fail = move |header: JsString<'js>, payload: JsString<'js>, upstream: JsString<'js>| {
        fail(&own.get(), header, payload, upstream)
    };
    native.set("fail", Function::new(ctx.clone(), fail)?)?;
    let own = Rc::clone(current);
    native.set("randomFloat", Function::new(ctx.clone(), move || own.random())?)?;
    let own = Rc::clone(current);
    native.set("taped", Function::new(ctx.clone(), move || own.get().deck.is_on())?)?;
    let own = Rc::clone(current);
    native.set(
        "clock",
        Function::new(ctx.clone(), move |now: f64| {
            own.get().deck.clock(now.round() as i64) as f64
        })?,
    )?;
    let own = Rc::clone(current);
    native.set(
        "markVolatile",
        Function::new(ctx.clone(), move || own.get().volatile.set(true))?,
    )?;
    let own = Rc::clone(current);
    native.set("zod", Function::new(ctx.clone(), move |ctx: Ctx<'js>| zod(&ctx, &own))?)
}

/// A section before it is copied into the output.
enum Section<'js> {
    Text(CString<'js>),
    Bytes(Vec<u8>),
}

impl Section<'_> {
    fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_str().as_bytes(),
            Self::Bytes(bytes) => bytes,
        }
    }
}

fn read_sections<'js>(ctx: &Ctx<'js>, sections: &Array<'js>) -> Result<Vec<Section<'js>>> {
    sections
        .iter::<Value<'js>>()
        .map(|section| {
            let section = section?;
            match section.as_string() {
                Some(text) => Ok(Section::Text(text.clone().to_cstring()?)),
                None => super::view(ctx, &section).map(Section::Bytes),
            }
        })
        .collect()
}

/// No call has this number.
const NO_ROOM: u32 = 0;

fn send(shared: &Shared, kind: FrameKind, id: u32, header: &str, sections: &[Section<'_>]) {
    let sections: Vec<&[u8]> = sections.iter().map(Section::as_bytes).collect();
    shared
        .hub
        .send(kind, shared.run.get(), id, header.as_bytes(), &sections);
}

/// Sends a call and gives its number, or [`NO_ROOM`] while as many as may be are waiting for an answer.
fn call<'js>(ctx: &Ctx<'js>, shared: &Shared, header: JsString<'js>, sections: &Array<'js>) -> Result<u32> {
    let limits = shared.limits.get();
    if shared.calls.get() >= limits.calls {
        shared.stop.set(Some(Stop::Calls));
        return Err(Exception::throw_message(
            ctx,
            "Too many calls to the platform in one run",
        ));
    }
    if shared.in_flight.borrow().len() >= limits.calls_in_flight as usize {
        return Ok(NO_ROOM);
    }
    let header = header.to_cstring()?;
    let sections = read_sections(ctx, sections)?;
    if !fits(
        header.len(),
        sections.iter().map(|section| section.as_bytes().len()),
        limits.parcel_bytes,
    ) {
        return Err(Exception::throw_range(ctx, "The request is too large"));
    }
    let id = shared.take_id();
    shared.calls.set(shared.calls.get() + 1);
    shared.in_flight.borrow_mut().insert(id);
    send(shared, FrameKind::Call, id, header.as_str(), &sections);
    Ok(id)
}

/// Log lines: dropped and counted beyond the cap, never an error.
fn tell<'js>(ctx: &Ctx<'js>, shared: &Shared, header: JsString<'js>, sections: &Array<'js>) -> Result<()> {
    let limits = shared.limits.get();
    let header = header.to_cstring()?;
    let sections = read_sections(ctx, sections)?;
    let size = header.len() + sections.iter().map(|section| section.as_bytes().len()).sum::<usize>();
    let (lines, bytes) = (shared.log_lines.get() + 1, shared.log_bytes.get().saturating_add(size));
    if lines > limits.log_lines || bytes > limits.log_bytes {
        shared.logs_dropped.set(shared.logs_dropped.get() + 1);
        return Ok(());
    }
    shared.log_lines.set(lines);
    shared.log_bytes.set(bytes);
    send(shared, FrameKind::Tell, 0, header.as_str(), &sections);
    Ok(())
}

fn timer(ctx: &Ctx<'_>, shared: &Shared, delay_ms: f64) -> Result<u32> {
    let limit = shared.limits.get().timers;
    if shared.timers.borrow().len() >= limit as usize {
        return Err(Exception::throw_message(
            ctx,
            &format!("More than {limit} timers are pending"),
        ));
    }
    let id = shared.take_id();
    arm(shared, id, delay_ms);
    Ok(id)
}

fn arm(shared: &Shared, id: u32, delay_ms: f64) {
    shared.timers.borrow_mut().insert(id);
    let delay_ms = delay_ms.clamp(0.0, 2_147_483_647.0) as u64;
    if shared.deck.is_replay() {
        return shared.deck.arm(id, delay_ms);
    }
    let delay = Duration::from_millis(delay_ms);
    shared
        .hub
        .timers
        .borrow_mut()
        .push(Reverse((Instant::now() + delay, shared.run.get(), id)));
}

fn succeed(shared: &Shared, result: JsString<'_>) -> Result<()> {
    report(shared, Reported::Success(text(result)?));
    Ok(())
}

fn fail(shared: &Shared, header: JsString<'_>, payload: JsString<'_>, upstream: JsString<'_>) -> Result<()> {
    let failure = serde_json::from_str(&text(header)?).unwrap_or_else(|_| Failure {
        type_: "script_internal_error".to_owned(),
        status: 500,
        message: "the failure could not be described".to_owned(),
        ..Failure::default()
    });
    report(
        shared,
        Reported::Failure {
            failure,
            payload: text(payload)?,
            upstream: text(upstream)?,
        },
    );
    Ok(())
}

/// The first report of a run counts.
fn report(shared: &Shared, reported: Reported) {
    shared.reported.borrow_mut().get_or_insert(reported);
}

/// Zod's namespace, which the snapshot holds.
fn zod<'js>(ctx: &Ctx<'js>, current: &Current) -> Result<Object<'js>> {
    match current.zod.borrow().clone() {
        Some(known) => known.restore(ctx),
        None => Err(Exception::throw_internal(ctx, "zod is not loaded")),
    }
}
