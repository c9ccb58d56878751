//! Differences between two texts, line by line.

/// Texts with more lines on either side are not compared line by line.
const LINES_MAX: usize = 5_000;
/// Unchanged lines shown around a change.
const CONTEXT: usize = 3;

/// One line of a comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'t> {
    /// In both.
    Same(&'t str),
    /// Only in the first.
    Old(&'t str),
    /// Only in the second.
    New(&'t str),
    /// So many equal lines are left out here.
    Skipped(usize),
}

/// The lines of both texts in one order; nothing when they are equal. Long stretches without a change are left out.
pub fn compare<'t>(old: &'t str, new: &'t str) -> Vec<Line<'t>> {
    if old == new {
        return Vec::new();
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (old.lines().collect(), new.lines().collect());
    if a.len() > LINES_MAX || b.len() > LINES_MAX {
        return a
            .into_iter()
            .map(Line::Old)
            .chain(b.into_iter().map(Line::New))
            .collect();
    }
    shorten(&whole(&a, &b))
}

/// The longest common lines stay, everything else is old or new.
fn whole<'t>(a: &[&'t str], b: &[&'t str]) -> Vec<Line<'t>> {
    let width = b.len() + 1;
    let mut common = vec![0_u32; (a.len() + 1) * width];
    let at = |row: usize, column: usize| row * width + column;
    let get = |common: &[u32], row: usize, column: usize| common.get(at(row, column)).copied().unwrap_or(0);
    for (i, left) in a.iter().enumerate().rev() {
        for (j, right) in b.iter().enumerate().rev() {
            let best = if left == right {
                get(&common, i + 1, j + 1) + 1
            } else {
                get(&common, i + 1, j).max(get(&common, i, j + 1))
            };
            if let Some(cell) = common.get_mut(at(i, j)) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut lines) = (0, 0, Vec::with_capacity(a.len() + b.len()));
    loop {
        match (a.get(i), b.get(j)) {
            (Some(left), Some(right)) if left == right => {
                lines.push(Line::Same(left));
                (i, j) = (i + 1, j + 1);
            }
            (Some(left), Some(_)) if get(&common, i + 1, j) >= get(&common, i, j + 1) => {
                lines.push(Line::Old(left));
                i += 1;
            }
            (_, Some(right)) => {
                lines.push(Line::New(right));
                j += 1;
            }
            (Some(left), None) => {
                lines.push(Line::Old(left));
                i += 1;
            }
            (None, None) => return lines,
        }
    }
}

fn shorten<'t>(lines: &[Line<'t>]) -> Vec<Line<'t>> {
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| !matches!(lines.get(*at), Some(Line::Same(_))))
        .collect();
    let mut out = Vec::new();
    let mut skipped = 0;
    for (at, line) in lines.iter().enumerate() {
        let near = changed.partition_point(|change| change + CONTEXT < at);
        if changed.get(near).is_some_and(|change| change.abs_diff(at) <= CONTEXT) {
            if skipped > 0 {
                out.push(Line::Skipped(skipped));
                skipped = 0;
            }
            out.push(*line);
        } else {
            skipped += 1;
        }
    }
    if skipped > 0 {
        out.push(Line::Skipped(skipped));
    }
    out
}

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;
