//! From text to tables.

use serde::Deserialize;
use toml::{Table, Value};

use super::Fault;
use super::entry::Vendor;

/// One file, read.
#[derive(Debug)]
pub struct Source {
    pub file: String,
    pub vendor: Vendor,
    /// Entries in file order, with their line.
    pub entries: Vec<(String, Table, Option<usize>)>,
}

/// Reads one file.
pub fn read(file: &str, text: &str) -> Result<Source, Vec<Fault>> {
    let fault = |line, entry: Option<&str>, message: String| Fault {
        file: file.to_owned(),
        line,
        entry: entry.map(str::to_owned),
        key: None,
        message,
    };
    let mut table: Table = text.parse().map_err(|error: toml::de::Error| {
        let line = error.span().map(|span| line_at(text, span.start));
        vec![fault(line, None, format!("not valid TOML: {}", error.message()))]
    })?;
    let vendor = match table.remove("vendor") {
        Some(vendor) => Vendor::deserialize(vendor).map_err(|error| {
            vec![fault(
                heading(text, "vendor"),
                Some("vendor"),
                one_line(&error.to_string()),
            )]
        })?,
        None => {
            return Err(vec![fault(
                None,
                None,
                "there is no [vendor] block; add one with the vendor's name".into(),
            )]);
        }
    };
    let mut entries = Vec::new();
    let mut faults = Vec::new();
    for (id, value) in table {
        let line = heading(text, &id);
        match value {
            _ if !is_id(&id) => {
                let message = "an id has lower-case letters, digits and dashes only".to_owned();
                faults.push(fault(line, Some(&id), message));
            }
            Value::Table(table) => entries.push((id, table, line)),
            _ => faults.push(fault(line, Some(&id), "write an entry as a table: [id]".to_owned())),
        }
    }
    if faults.is_empty() {
        Ok(Source {
            file: file.to_owned(),
            vendor,
            entries,
        })
    } else {
        Err(faults)
    }
}

/// Whether a text can be a provider id.
pub fn is_id(id: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    !id.is_empty() && id.len() <= 100 && id.bytes().all(allowed) && !id.starts_with('-') && !id.ends_with('-')
}

/// Parser messages span lines; a fault is one.
pub fn one_line(message: &str) -> String {
    message
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect::<Vec<_>>()
        .join(", ")
}

/// A complaint about an unknown key begins with the key that was probably meant.
pub fn with_suggestion(message: String) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let Some(written) = quoted.next().filter(|_| message.starts_with("unknown field")) else {
        return message;
    };
    let nearest = quoted.map(|known| (distance(written, known), known)).min();
    match nearest {
        Some((edits, known)) if edits <= 1 + written.len() / 4 => {
            format!("unknown key `{written}`; did you mean `{known}`? ({message})")
        }
        _ => message,
    }
}

/// How many letters have to be added, dropped or replaced.
fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (line, letter) in from.chars().enumerate() {
        let mut diagonal = line;
        let mut left = line + 1;
        for (column, other) in to.iter().enumerate() {
            let above = row.get(column + 1).copied().unwrap_or(usize::MAX - 1);
            let cost = diagonal + usize::from(letter != *other);
            diagonal = above;
            let best = cost.min(above + 1).min(left + 1);
            if let Some(slot) = row.get_mut(column) {
                *slot = left;
            }
            left = best;
        }
        if let Some(slot) = row.last_mut() {
            *slot = left;
        }
    }
    row.last().copied().unwrap_or_default()
}

fn line_at(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Line of the first heading of an entry.
fn heading(text: &str, id: &str) -> Option<usize> {
    let is_heading = |line: &str| {
        let inside = line.trim().trim_start_matches('[');
        inside
            .strip_prefix(id)
            .or_else(|| {
                inside
                    .strip_prefix('"')
                    .and_then(|quoted| quoted.strip_prefix(id)?.strip_prefix('"'))
            })
            .is_some_and(|rest| rest.starts_with([']', '.']))
            && line.trim().starts_with('[')
    };
    text.lines().position(is_heading).map(|index| index + 1)
}
