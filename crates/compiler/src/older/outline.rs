//! Where keys of a YAML file are, so that a finding can point at one.
//!
//! The reader of YAML does not tell. Keys are found again by their indentation, which is how such files are written; a key
//! inside of braces is found with the key around it.

use std::ops::Range;

use crate::source::SourceFile;

/// The bytes of the key at `path`, or of the nearest key around it that can be found.
pub fn find(source: &SourceFile, path: &[&str]) -> Range<usize> {
    let mut found = 0..0;
    let mut rest = path;
    let mut floor = 0;
    let mut indent_min = 0;
    let mut offset = 0;
    for line in source.text.split_inclusive('\n') {
        let start = offset;
        offset += line.len();
        let Some(wanted) = rest.first() else { break };
        let text = line.trim_start_matches([' ', '-']);
        let indent = line.len() - text.len();
        if start < floor || text.trim().is_empty() || text.starts_with('#') {
            continue;
        }
        if indent < indent_min {
            break;
        }
        let key = text.trim_start_matches(['\'', '"']);
        let quote = text.len() - key.len();
        let is_key = key
            .strip_prefix(wanted)
            .is_some_and(|after| after.trim_start_matches(['\'', '"']).trim_start().starts_with(':'));
        let is_item = line.trim_start().starts_with('-') && key.trim().trim_end_matches(['\'', '"']) == *wanted;
        if is_key || is_item {
            let from = start + indent + quote;
            found = from..from + wanted.len();
            floor = offset;
            indent_min = indent + 1;
            rest = rest.split_first().map_or(&[], |(_, rest)| rest);
        }
    }
    found
}
