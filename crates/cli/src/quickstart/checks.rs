//! Expectations: each number of the demonstration beside what it should be.

/// One row of the summary.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was counted.
    pub what: String,
    /// What it should be.
    pub expected: String,
    /// What it was.
    pub got: String,
    /// Whether that is right.
    pub right: bool,
}

/// All rows so far.
#[derive(Debug, Default)]
pub struct Checks {
    rows: Vec<Check>,
}

impl Checks {
    /// A number that must be exact.
    pub fn equal(&mut self, what: &str, expected: usize, got: usize) {
        self.add(what, super::thousands(expected), super::thousands(got), expected == got);
    }

    /// A number with an upper bound.
    pub fn at_most(&mut self, what: &str, bound: usize, got: usize) {
        self.add(
            what,
            format!("≤ {}", super::thousands(bound)),
            super::thousands(got),
            got <= bound,
        );
    }

    /// A number with a lower bound.
    pub fn at_least(&mut self, what: &str, bound: usize, got: usize) {
        self.add(
            what,
            format!("≥ {}", super::thousands(bound)),
            super::thousands(got),
            got >= bound,
        );
    }

    /// Two texts that must be the same.
    pub fn same(&mut self, what: &str, expected: &str, got: &str) {
        self.add(what, expected.to_owned(), got.to_owned(), expected == got);
    }

    fn add(&mut self, what: &str, expected: String, got: String, right: bool) {
        self.rows.push(Check {
            what: what.to_owned(),
            expected,
            got,
            right,
        });
    }

    /// The rows.
    pub fn rows(&self) -> &[Check] {
        &self.rows
    }

    /// Whether every row is right.
    pub fn all_right(&self) -> bool {
        self.rows.iter().all(|row| row.right)
    }
}
