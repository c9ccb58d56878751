//! The table and the JSON file.

use std::fs;
use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use crate::server::Engine;

/// One line of the table.
#[derive(Debug, Serialize)]
struct Line {
    what: String,
    value: f64,
    unit: &'static str,
    /// What the incumbent measured on the same kind of machine.
    incumbent: Option<f64>,
    /// The figure to reach, and whether more is better.
    budget: Option<(f64, bool)>,
    note: String,
}

/// All results of one run.
#[derive(Debug, Serialize)]
pub struct Report {
    engine: String,
    cores: usize,
    binary_bytes: u64,
    lines: Vec<Line>,
}

impl Report {
    /// An empty report that begins with the size of the binary.
    pub fn new(engine: &Engine, bin: &Path) -> Result<Self> {
        let binary_bytes = fs::metadata(bin)?.len();
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let mut report = Self {
            engine: engine.name().to_owned(),
            cores,
            binary_bytes,
            lines: Vec::new(),
        };
        report.at_most(
            "install on disk: the binary",
            binary_bytes as f64 / 1e6,
            "MB",
            Some(842.0),
            60.0,
            "",
        );
        Ok(report)
    }

    fn add(&mut self, line: Line) {
        let mark = match line.budget {
            Some((budget, true)) if line.value < budget => "  BELOW BUDGET",
            Some((budget, false)) if line.value > budget => "  OVER BUDGET",
            _ => "",
        };
        eprint_line(&format!(
            "{}: {} {}{mark} {}",
            line.what,
            number(line.value),
            line.unit,
            line.note
        ));
        self.lines.push(line);
    }

    /// A figure that should be at least `budget`.
    pub fn at_least(
        &mut self,
        what: &str,
        value: f64,
        unit: &'static str,
        incumbent: Option<f64>,
        budget: f64,
        note: &str,
    ) {
        let budget = Some((budget, true));
        self.add(Line {
            what: what.to_owned(),
            value,
            unit,
            incumbent,
            budget,
            note: note.to_owned(),
        });
    }

    /// A figure that should be at most `budget`.
    pub fn at_most(
        &mut self,
        what: &str,
        value: f64,
        unit: &'static str,
        incumbent: Option<f64>,
        budget: f64,
        note: &str,
    ) {
        let budget = Some((budget, false));
        self.add(Line {
            what: what.to_owned(),
            value,
            unit,
            incumbent,
            budget,
            note: note.to_owned(),
        });
    }

    /// A figure without a budget.
    pub fn figure(&mut self, what: &str, value: f64, unit: &'static str, note: &str) {
        self.add(Line {
            what: what.to_owned(),
            value,
            unit,
            incumbent: None,
            budget: None,
            note: note.to_owned(),
        });
    }

    /// Prints the table as Markdown.
    #[expect(clippy::print_stdout, reason = "the table is the output")]
    pub fn print(&self) {
        println!(
            "\nEngine: {}; cores: {}; binary: {:.1} MB\n",
            self.engine,
            self.cores,
            self.binary_bytes as f64 / 1e6
        );
        println!("| what | measured | budget | met | incumbent | ratio | note |");
        println!("|---|---:|---:|---|---:|---:|---|");
        for line in &self.lines {
            let (budget, met) = match line.budget {
                None => (String::new(), ""),
                Some((budget, true)) => (
                    format!("≥ {}", number(budget)),
                    if line.value >= budget { "yes" } else { "NO" },
                ),
                Some((budget, false)) => (
                    format!("≤ {}", number(budget)),
                    if line.value <= budget { "yes" } else { "NO" },
                ),
            };
            let incumbent = line.incumbent.map(number).unwrap_or_default();
            let ratio = match (line.incumbent, line.budget) {
                (Some(incumbent), Some((_, true))) => format!("{}×", number(line.value / incumbent)),
                (Some(incumbent), _) => format!("{}×", number(incumbent / line.value)),
                (None, _) => String::new(),
            };
            println!(
                "| {} | {} {} | {budget} | {met} | {incumbent} | {ratio} | {} |",
                line.what,
                number(line.value),
                line.unit,
                line.note
            );
        }
    }

    /// Writes everything as JSON.
    pub fn write(&self, path: &Path) -> Result<()> {
        Ok(fs::write(path, serde_json::to_string_pretty(self)?)?)
    }
}

#[expect(clippy::print_stderr, reason = "progress")]
fn eprint_line(text: &str) {
    eprintln!("{text}");
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1000.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}
