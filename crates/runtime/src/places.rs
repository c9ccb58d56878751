//! Places in stack traces: where the author wrote it, by the bundle's inline source map (ECMA-426).
//!
//! The map is part of the bundle and trusted as little: it is read in one pass that keeps nothing but what was asked for, and what
//! is damaged or missing leaves the trace as the engine wrote it.

use std::borrow::Cow;
use std::ops::Range;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;

use crate::invocation::Code;
use crate::worker::bytecode::BUNDLE_OPENING;

/// A map behind a text of its own has this in front.
const INLINE: &str = "//# sourceMappingURL=data:application/json;";
/// Longest path of a source that is shown, in bytes.
const PATH_BYTES_MAX: usize = 300;
/// Places of one text that are brought to the author's; a stack trace has ten. Both the text and the map may have been made to keep
/// the server busy.
const PLACES_MAX: usize = 64;

/// The parts of a source map that say where something comes from.
#[derive(Deserialize)]
struct SourceMap {
    sources: Vec<Option<String>>,
    mappings: String,
}

/// A `file:line:column` of the bundle in a text. Lines and columns count from 0.
struct Place {
    range: Range<usize>,
    line: u32,
    column: u32,
    /// Source, line and column of the last mapping on that line that does not lie behind it.
    origin: Option<[u32; 3]>,
}

/// The text with the bundle's positions as the author's (`hubspot/actions/create-contact.ts:12:5`).
pub(crate) fn of_author<'t>(text: &'t str, code: &Code) -> Cow<'t, str> {
    replaced(text, code, str::to_owned)
}

/// The same for JSON text, in whose strings the positions are.
pub(crate) fn of_author_in_json<'t>(text: &'t str, code: &Code) -> Cow<'t, str> {
    replaced(text, code, |path| {
        let quoted = serde_json::Value::from(path).to_string();
        quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
    })
}

fn replaced<'t>(text: &'t str, code: &Code, write: impl Fn(&str) -> String) -> Cow<'t, str> {
    let mut places = places(text, &code.filename);
    if places.is_empty() {
        return Cow::Borrowed(text);
    }
    let Some(map) = inline_map(&code.js) else {
        return Cow::Borrowed(text);
    };
    locate(&map.mappings, &mut places);
    places.sort_by_key(|place| place.range.start);
    let mut out = String::with_capacity(text.len());
    let mut copied = 0;
    for place in places {
        let Some([source, line, column]) = place.origin else {
            continue;
        };
        let Some(Some(path)) = map.sources.get(source as usize) else {
            continue;
        };
        out.push_str(text.get(copied..place.range.start).unwrap_or_default());
        out.push_str(&format!("{}:{}:{}", write(&shown(path)), line + 1, column + 1));
        copied = place.range.end;
    }
    out.push_str(text.get(copied..).unwrap_or_default());
    Cow::Owned(out)
}

/// Path of a source as it stands in the project: other compilers name it from their output folder.
fn shown(path: &str) -> String {
    let mut inside = path;
    while let Some(rest) = inside.strip_prefix("../").or_else(|| inside.strip_prefix("./")) {
        inside = rest;
    }
    let mut short: String = inside.chars().filter(|c| !c.is_control()).collect();
    short.truncate(short.floor_char_boundary(PATH_BYTES_MAX));
    short
}

/// The bundle's places in a text, in the order of their lines.
fn places(text: &str, filename: &str) -> Vec<Place> {
    let mut found = Vec::new();
    for (start, _) in text.match_indices(filename) {
        if found.len() == PLACES_MAX {
            break;
        }
        let after = start + filename.len();
        let mut numbers = text.get(after..).unwrap_or_default().splitn(3, ':');
        let (Some(""), Some(line), Some(rest)) = (numbers.next(), numbers.next(), numbers.next()) else {
            continue;
        };
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let column = rest.get(..digits).unwrap_or_default();
        let (Ok(line_number), Ok(column_number)) = (line.parse::<u32>(), column.parse::<u32>()) else {
            continue;
        };
        let line_at = line_number.saturating_sub(1);
        // The engine sees the wrapper's opening in front of the first line.
        let opening = if line_at == 0 { BUNDLE_OPENING.len() as u32 } else { 0 };
        found.push(Place {
            range: start..after + 1 + line.len() + 1 + digits,
            line: line_at,
            column: column_number.saturating_sub(1).saturating_sub(opening),
            origin: None,
        });
    }
    found.sort_by_key(|place| place.line);
    found
}

fn inline_map(js: &str) -> Option<SourceMap> {
    let (_, url) = js.rsplit_once(INLINE)?;
    let (_, data) = url.split_once("base64,")?;
    let json = STANDARD.decode(data.split_whitespace().next()?).ok()?;
    serde_json::from_slice(&json).ok()
}

/// Finds the origin of each place in one pass over the mappings, up to the last line that is asked for.
fn locate(mappings: &str, mut places: &mut [Place]) {
    let mut fields = [0_i64; 4];
    for (line, segments) in (0_u32..).zip(mappings.split(';')) {
        if places.is_empty() {
            return;
        }
        let here;
        let count = places.partition_point(|place| place.line <= line);
        (here, places) = std::mem::take(&mut places).split_at_mut(count);
        fields[0] = 0;
        for segment in segments.split(',').filter(|segment| !segment.is_empty()) {
            let Some(given) = add_segment(segment.as_bytes(), &mut fields) else {
                return;
            };
            let [column, origin @ ..] = fields.map(|field| u32::try_from(field).ok());
            let origin = match origin {
                [Some(source), Some(line), Some(column)] if given >= 4 => Some([source, line, column]),
                _ => None,
            };
            for place in here.iter_mut() {
                if column.is_some_and(|column| column <= place.column) {
                    place.origin = origin;
                }
            }
        }
    }
}

/// Adds the base64 VLQ fields of a segment to the running ones, and says how many there were. None: it is damaged.
fn add_segment(segment: &[u8], fields: &mut [i64; 4]) -> Option<usize> {
    let (mut given, mut value, mut shift) = (0, 0_i64, 0);
    for digit in segment {
        let digit = match digit {
            b'A'..=b'Z' => digit - b'A',
            b'a'..=b'z' => digit - b'a' + 26,
            b'0'..=b'9' => digit - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        value |= i64::from(digit & 31).checked_shl(shift).filter(|_| shift <= 30)?;
        if digit & 32 != 0 {
            shift += 5;
            continue;
        }
        // The fifth field is a name, which nobody asks for.
        if let Some(field) = fields.get_mut(given) {
            *field += if value & 1 == 1 { -(value >> 1) } else { value >> 1 };
        }
        given += 1;
        (value, shift) = (0, 0);
    }
    (shift == 0).then_some(given)
}

#[cfg(test)]
mod tests;
