//! Changes to a text by byte ranges, and where places end up.

/// Replaces `start..end` by the parts.
#[derive(Debug, Clone)]
pub struct Edit {
    pub start: usize,
    pub end: usize,
    pub parts: Vec<Part>,
}

/// A piece of replacement text.
#[derive(Debug, Clone)]
pub enum Part {
    /// This text.
    Text(String),
    /// The final name of a top-level symbol of the file.
    Name(usize),
    /// What a `require` of this request gives.
    Required(usize),
}

impl Edit {
    /// Removes `start..end`.
    pub fn remove(start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            parts: Vec::new(),
        }
    }

    /// Puts a text in the place of `start..end`.
    pub fn text(start: usize, end: usize, text: impl Into<String>) -> Self {
        Self {
            start,
            end,
            parts: vec![Part::Text(text.into())],
        }
    }
}

/// An edit with its text settled.
#[derive(Debug)]
pub struct Replacement {
    pub start: usize,
    pub end: usize,
    pub text: String,
}

/// Applies replacements that do not overlap. `places` (ascending offsets of the old text) are answered with
/// their new offsets.
pub fn apply(text: &str, mut replacements: Vec<Replacement>, places: &[usize]) -> (String, Vec<usize>) {
    replacements.sort_by_key(|replacement| (replacement.start, replacement.end));
    let mut out = String::with_capacity(text.len() + 64);
    let mut moved = Vec::with_capacity(places.len());
    let mut places = places.iter().copied().peekable();
    let mut done = 0;
    for replacement in &replacements {
        let base = out.len();
        while let Some(place) = places.next_if(|place| *place < replacement.start) {
            moved.push(base + place - done);
        }
        out.push_str(text.get(done..replacement.start).unwrap_or(""));
        let start = out.len();
        out.push_str(&replacement.text);
        while places.next_if(|place| *place < replacement.end).is_some() {
            moved.push(start);
        }
        done = replacement.end;
    }
    let base = out.len();
    moved.extend(places.map(|place| base + place - done));
    out.push_str(text.get(done..).unwrap_or(""));
    (out, moved)
}
