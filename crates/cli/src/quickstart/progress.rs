//! What a person sees while it runs: bars on a terminal, plain lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Plain lines about a running sync are at least this far apart.
const LINE_EVERY: Duration = Duration::from_secs(5);

/// Standard output, with bars when it is a terminal.
pub struct Screen {
    terminal: bool,
}

impl Screen {
    /// Looks at standard output.
    pub fn new() -> Self {
        Self {
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// A heading.
    pub fn title(&self, text: &str) {
        if self.terminal {
            self.line(&format!("\n\x1b[1m{text}\x1b[0m"))
        } else {
            self.line(&format!("\n{text}"))
        }
    }

    /// A line.
    #[expect(clippy::print_stdout, reason = "output of the command")]
    pub fn line(&self, text: &str) {
        println!("{text}");
    }

    /// Whether colours make sense.
    pub fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Starts showing a run that will touch `total` records in `pages` pages.
    pub fn run(&self, total: usize, pages: usize) -> RunView {
        let target = if self.terminal {
            ProgressDrawTarget::stdout()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bars = MultiProgress::with_draw_target(target);
        let bar = |label: &'static str, length: usize| {
            let bar = bars.add(ProgressBar::new(length as u64));
            let style = ProgressStyle::with_template("  {prefix:<8} {bar:32} {human_pos:>8}/{human_len:<8} {msg}");
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_prefix(label);
            bar
        };
        let (records, pages) = (bar("records", total), bar("pages", pages));
        let quota = bar("quota", 1);
        let checkpoint = bars.add(ProgressBar::new_spinner());
        let style = ProgressStyle::with_template("  checkpoint {msg}");
        checkpoint.set_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()));
        RunView {
            terminal: self.terminal,
            started: Instant::now(),
            last_line: None,
            records,
            pages,
            quota,
            checkpoint,
            _bars: bars,
        }
    }
}

/// Where a run stands.
#[derive(Debug, Clone, Default)]
pub struct RunState {
    /// Records done.
    pub records: usize,
    /// Pages fetched.
    pub pages: usize,
    /// Requests in the provider's window, and how many it holds.
    pub quota: (usize, usize),
    /// The checkpoint as JSON.
    pub checkpoint: String,
}

/// A run on the screen.
pub struct RunView {
    terminal: bool,
    started: Instant,
    last_line: Option<Instant>,
    records: ProgressBar,
    pages: ProgressBar,
    quota: ProgressBar,
    checkpoint: ProgressBar,
    _bars: MultiProgress,
}

impl RunView {
    /// Shows where the run stands.
    #[expect(clippy::print_stdout, reason = "output of the command")]
    pub fn update(&mut self, state: &RunState) {
        // The first readings say nothing about the rate.
        let rate = state.records as f64 / self.started.elapsed().as_secs_f64().max(1.0);
        let (used, held) = state.quota;
        self.records.set_position(state.records as u64);
        self.records.set_message(format!("{rate:.0}/s"));
        self.pages.set_position(state.pages as u64);
        self.quota.set_length(held as u64);
        self.quota.set_position(used as u64);
        self.quota.set_message("requests in the vendor's ten seconds");
        self.checkpoint.set_message(state.checkpoint.clone());
        if !self.terminal && self.last_line.is_none_or(|last| last.elapsed() >= LINE_EVERY) {
            self.last_line = Some(Instant::now());
            println!(
                "  {} records, {} pages, {rate:.0} records/s, quota {used}/{held}, checkpoint {}",
                super::thousands(state.records),
                super::thousands(state.pages),
                state.checkpoint
            );
        }
    }

    /// Removes the bars; returns how long the run took.
    pub fn finish(self) -> Duration {
        for bar in [&self.records, &self.pages, &self.quota, &self.checkpoint] {
            bar.finish_and_clear();
        }
        self.started.elapsed()
    }
}
