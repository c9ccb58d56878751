//! `tenon test`: functions against their recorded fixtures, in the production engine, without any network.
//!
//! The isolate, the pagination loops and the building of requests are those of a deployed function; only the wire is
//! answered from the fixture. Fixtures of the public test kit are matched and compared by its rules (functions
//! contract, 6).

mod comments;
pub mod compare;
mod declared;
mod discover;
mod generate;
mod host;
pub mod identity;
mod js_text;
mod judge;
mod older;
pub mod record;
mod recording;
pub mod report;
mod run;
mod staging;
mod torture;
mod unknowns;
mod world;

use std::{
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use tenon_catalog::Catalog;
use tenon_runtime::{Runtime, RuntimeConfig};
use tokio::runtime::Handle;

use crate::failure::Failure;
use discover::Case;
use run::{Judged, Runner};

pub use generate::{Wanted, generate};

/// What came of a fixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// The function did what was recorded.
    Passed,
    /// It did something else, or does not compile.
    Failed,
    /// It was not run.
    Skipped,
}

impl Status {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
        }
    }
}

/// The judgement on one fixture.
#[derive(Debug)]
pub struct Verdict {
    /// What came of it.
    pub status: Status,
    /// Why it did not pass.
    pub reason: Option<String>,
    /// Expected and actual values line by line.
    pub lines: String,
}

impl Verdict {
    fn passed() -> Self {
        Self {
            status: Status::Passed,
            reason: None,
            lines: String::new(),
        }
    }

    fn failed(reason: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            reason: Some(reason.into()),
            lines: String::new(),
        }
    }

    fn skipped(reason: impl Into<String>) -> Self {
        Self {
            status: Status::Skipped,
            reason: Some(reason.into()),
            lines: String::new(),
        }
    }
}

/// A fixture with its verdict.
#[derive(Debug)]
pub struct Tested {
    /// `<integration>/<kind>/<name>`.
    pub function: String,
    /// The fixture's path from the folder that was searched; of one that was named, from the folder of its integration.
    pub fixture: String,
    /// How the run was disturbed, and in how many places; nothing for the fixture itself.
    pub torture: Option<(&'static str, usize)>,
    /// The judgement.
    pub verdict: Verdict,
}

/// Everything that a run of the tests found out.
#[derive(Debug)]
pub struct Report {
    /// In the order of functions.
    pub tested: Vec<Tested>,
    /// Functions without any fixture.
    pub untested: Vec<String>,
    /// From the first look at the folder to the last verdict.
    pub took: Duration,
}

impl Report {
    /// How many fixtures have this status.
    pub fn count(&self, status: Status) -> usize {
        self.tested
            .iter()
            .filter(|tested| tested.verdict.status == status)
            .count()
    }
}

/// What to test.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Part of a function's or fixture's name; others are left out.
    pub filter: Option<String>,
    /// Fixtures at a time.
    pub jobs: Option<usize>,
    /// Also disturb every function in the ways that its fixtures allow.
    pub torture: bool,
}

/// Tests everything below `path`.
pub async fn test(path: &Path, options: &Options) -> Result<Report> {
    let begun = Instant::now();
    let start = place(path)?;
    let mut found = discover::discover(&start);
    if start.is_file() && found.cases.is_empty() {
        bail!(Failure::usage(format!(
            "{} is neither a folder nor a fixture; fixtures are files <integration>/tests/<function>.test.json",
            path.display()
        )));
    }
    if let Some(filter) = &options.filter {
        let text = filter.to_lowercase();
        let wanted = |name: &str| name.to_lowercase().contains(&text);
        found.cases.retain(|case| wanted(&case.label) || wanted(&case.fixture));
        found.untested.retain(|label| wanted(label));
        if found.cases.is_empty() {
            let without = found.untested.first();
            let hint = without.map_or_else(String::new, |label| format!("; {label} has none"));
            bail!(Failure::not_found(format!(
                "no fixture matches --filter {filter}{hint}"
            )));
        }
    }
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let jobs = options
        .jobs
        .unwrap_or(cores * 2)
        .clamp(1, 256)
        .min(found.cases.len().max(1));
    let runtime = start_runtime(jobs)?;
    let handle = Handle::current();
    let cases = found.cases;
    let working = runtime.clone();
    let torture = options.torture;
    let tested = tokio::task::spawn_blocking(move || test_all(cases, jobs, torture, &handle, &working));
    let tested = tested.await.context("the tests stopped")??;
    runtime.shutdown();
    Ok(Report {
        tested,
        untested: found.untested,
        took: begun.elapsed(),
    })
}

/// The folder or file that was named.
fn place(path: &Path) -> Result<PathBuf> {
    let found = path.canonicalize();
    found.map_err(|_| Failure::not_found(format!("there is nothing at {}", path.display())).into())
}

fn start_runtime(jobs: usize) -> Result<Runtime> {
    let program = std::env::current_exe().context("the path of this program")?;
    let config = RuntimeConfig {
        workers_per_tenant_max: jobs.min(std::thread::available_parallelism().map_or(2, usize::from)),
        ..RuntimeConfig::new(program, ["worker"])
    };
    Runtime::start(config).context("the function runtime cannot be started")
}

fn test_all(cases: Vec<Case>, jobs: usize, torture: bool, handle: &Handle, runtime: &Runtime) -> Result<Vec<Tested>> {
    let catalog = Catalog::embedded().context("the catalogue of providers")?;
    let runner = Runner::new(handle.clone(), runtime, &catalog, &cases);
    let next = AtomicUsize::new(0);
    let verdicts: Mutex<Vec<(usize, Vec<Judged>)>> = Mutex::new(Vec::with_capacity(cases.len()));
    let work = || {
        loop {
            let place = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(place) else {
                return;
            };
            let judged = runner.run(case, torture);
            verdicts
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push((place, judged));
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..jobs {
            scope.spawn(work);
        }
        work();
    });
    drop(runner);
    let mut verdicts = verdicts.into_inner().unwrap_or_else(PoisonError::into_inner);
    verdicts.sort_by_key(|(place, _)| *place);
    let tested = cases.into_iter().zip(verdicts).flat_map(|(case, (_, judged))| {
        judged.into_iter().map(move |judged| Tested {
            function: case.label.clone(),
            fixture: case.fixture.clone(),
            torture: judged.torture,
            verdict: judged.verdict,
        })
    });
    Ok(tested.collect())
}
