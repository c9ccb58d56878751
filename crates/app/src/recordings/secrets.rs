//! The values that must not be in a recording, and what stands for each.

use std::collections::HashMap;

use aho_corasick::{AhoCorasick, MatchKind};
use tenon_credentials::Concealer;

/// What the name of a stand-in begins with.
pub(super) const STAND_IN: &str = "redacted";
/// More different values are not told apart; what is found beyond them gets a common stand-in.
const TOLD_APART_MAX: usize = 9_999;

/// Secrets, each with a stand-in of its own: what was equal stays equal, so that the run takes the same way again.
#[derive(Default)]
pub(super) struct Secrets {
    shapes: HashMap<String, usize>,
    count: usize,
}

impl Secrets {
    /// Adds a value in the shapes in which it travels. Short ones are not looked for: they would hide harmless text.
    pub(super) fn add(&mut self, value: &str) {
        let value = value.trim();
        if self.shapes.contains_key(value) || value.starts_with(STAND_IN) {
            return;
        }
        let mut known = Concealer::default();
        known.add(value);
        self.add_shapes(known.shapes());
    }

    /// Adds what is known already.
    pub(super) fn add_known(&mut self, known: &Concealer) {
        for shape in known.shapes() {
            self.add_shapes([shape]);
        }
    }

    fn add_shapes<'s>(&mut self, shapes: impl IntoIterator<Item = &'s str>) {
        let number = (self.count + 1).min(TOLD_APART_MAX);
        let mut new = false;
        for shape in shapes {
            if !self.shapes.contains_key(shape) {
                self.shapes.insert(shape.to_owned(), number);
                new = true;
            }
        }
        if new {
            self.count = number;
        }
    }

    /// How many values there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Makes the search for all of them. None when there is nothing to look for.
    pub(super) fn finder(&self) -> Option<Finder> {
        if self.shapes.is_empty() {
            return None;
        }
        let (shapes, numbers): (Vec<&String>, Vec<usize>) = self.shapes.iter().map(|(shape, n)| (shape, *n)).unzip();
        let search = AhoCorasick::builder()
            .match_kind(MatchKind::LeftmostLongest)
            .build(shapes)
            .ok()?;
        let stand_ins = numbers.into_iter().map(|n| format!("{STAND_IN}-{n:04}")).collect();
        Some(Finder { search, stand_ins })
    }
}

/// Finds secrets in texts.
pub(super) struct Finder {
    search: AhoCorasick,
    stand_ins: Vec<String>,
}

impl Finder {
    /// Whether there is one.
    pub(super) fn is_in(&self, bytes: &[u8]) -> bool {
        self.search.is_match(bytes)
    }

    /// The text with stand-ins in place of secrets; none when it has none.
    pub(super) fn replace(&self, text: &str) -> Option<String> {
        self.search
            .is_match(text)
            .then(|| self.search.replace_all(text, &self.stand_ins))
    }
}
