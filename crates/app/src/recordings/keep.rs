//! Watching runs, and storing what is kept of them.

use std::sync::Arc;

use serde_json::{Map, Value, json};
use tenon_model::Timestamp;
use tenon_runtime::cassette::{Cassette, CodeCopy, Content, Ended, FORMAT, Identity, Recorder, VERSION};
use tenon_runtime::protocol::Host;
use tenon_runtime::{Code, ErrorKind, Invocation, Kind, Limits, Outcome, Tape, Taping};
use tenon_store::tables::run_recordings::{self as table, RunRecordingRow};

use super::{Keep, MEASURED_EVERY, scrub};
use crate::functions::RunSubject;
use crate::operations::parse_id;
use crate::{App, Error, Result};

/// Largest recording that is unpacked; guards against a damaged length.
const UNPACKED_BYTES_MAX: usize = 1 << 30;

/// A run that is watched.
struct Watched {
    recorder: Arc<Recorder>,
    /// Kept whatever comes.
    picked: bool,
    started: Timestamp,
    code: Arc<Code>,
    kind: Kind,
    input: Option<String>,
    context: String,
    limits: Limits,
}

impl App {
    /// Runs a function, and keeps a recording of the run when the settings say so.
    #[tenon_model::boxed]
    pub(crate) async fn run_recorded(
        &self,
        subject: &RunSubject,
        mut invocation: Invocation,
        host: Arc<dyn Host>,
    ) -> Outcome {
        let Some(watched) = self.watch(subject, &mut invocation) else {
            return self.runtime().run(invocation, host).await;
        };
        let mut outcome = self.runtime().run(invocation, host).await;
        subject.operation.watch(None);
        let tape = outcome.tape.take();
        let failed = matches!(&outcome.result, Err(error)
            if error.kind != ErrorKind::Aborted && error.type_ != "execution_interrupted");
        let keep = (watched.picked || failed).then_some(tape).flatten();
        if let Some(tape) = keep {
            let kept_for = if failed { "failure" } else { "rate" };
            self.keep(subject, watched, tape, &outcome, kept_for);
        }
        outcome
    }

    fn watch(&self, subject: &RunSubject, invocation: &mut Invocation) -> Option<Watched> {
        let settings = &self.settings().recordings;
        let share = match settings.keep {
            Keep::Off => return None,
            Keep::Failures(share) => share,
            Keep::All => 1.0,
        };
        let only = &settings.environments;
        if !only.is_empty() && !only.contains(&subject.environment.name) {
            return None;
        }
        let picked = self.falls_into(share);
        if picked {
            // Nothing that an earlier run left in the isolate is part of a recording.
            invocation.isolate_key = None;
        }
        let recorder = Arc::new(Recorder::new(settings.bytes_max));
        invocation.taping = Taping::Record(recorder.clone());
        subject.operation.watch(Some(recorder.clone()));
        Some(Watched {
            recorder,
            picked,
            started: self.clock().now(),
            code: Arc::clone(&invocation.code),
            kind: invocation.kind,
            input: invocation.input_json.clone(),
            context: invocation.context_json.clone(),
            limits: invocation.limits.clone(),
        })
    }

    fn falls_into(&self, share: f64) -> bool {
        if share <= 0.0 || share >= 1.0 {
            return share >= 1.0;
        }
        let mut drawn = [0; 4];
        self.rng().fill(&mut drawn);
        f64::from(u32::from_le_bytes(drawn)) / f64::from(u32::MAX) < share
    }

    /// Cleans and stores a recording in the background.
    fn keep(&self, subject: &RunSubject, watched: Watched, tape: Tape, outcome: &Outcome, kept_for: &'static str) {
        let facts = |kept: bool| Map::from_iter([("recorded".to_owned(), json!(kept))]);
        let Ok(permit) = Arc::clone(&self.recordings_shelf().storing).try_acquire_owned() else {
            subject.operation.annotate(facts(false));
            return;
        };
        subject.operation.annotate(facts(true));
        let mut cassette = watched.into_cassette(subject, tape, outcome);
        cassette.run.kept_for = kept_for.to_owned();
        let (app, environment) = (self.clone(), subject.environment.id);
        let (id, known) = (subject.operation.id().clone(), subject.operation.secrets());
        self.spawn("keep the recording of a run", async move {
            let _permit = permit;
            let clean = tokio::task::spawn_blocking(move || {
                scrub(&mut cassette, &known);
                lz4_flex::compress_prepend_size(cassette.to_json().as_bytes())
            });
            let packed = clean
                .await
                .map_err(|error| Error::Internal(format!("cleaning a recording failed: {error}")))?;
            let number = parse_id(&id.0).ok_or_else(|| Error::Internal("a run without an id".to_owned()))?;
            let payload = app.vault(environment).await?.seal(&place(environment, number), &packed);
            let row = RunRecordingRow {
                operation_id: number,
                environment_id: environment,
                kept_for: kept_for.to_owned(),
                payload,
                created_at: app.clock().now(),
            };
            app.store_recording(&row).await
        });
    }

    /// Stores a recording, and removes the oldest beyond what an environment and all together may have.
    async fn store_recording(&self, row: &RunRecordingRow) -> Result<()> {
        let settings = &self.settings().recordings;
        let mut tx = self.store().begin().await?;
        table::put(&mut tx, row).await?;
        table::keep_newest(&mut tx, row.environment_id, i64::from(settings.runs_max)).await?;
        let part = settings.total_bytes_max / MEASURED_EVERY;
        if self.recordings_shelf().is_due(row.payload.len() as u64, part) {
            // Below the bound by what is stored until the next look.
            let kept = settings.total_bytes_max - part;
            table::keep_within(&mut tx, i64::try_from(kept).unwrap_or(i64::MAX)).await?;
        }
        Ok(tx.commit().await?)
    }

    /// The text of a stored recording.
    pub(super) async fn open_recording(&self, row: &RunRecordingRow) -> Result<String> {
        let damaged = || Error::Internal("a stored recording is damaged".to_owned());
        let place = place(row.environment_id, row.operation_id);
        let packed = self.vault(row.environment_id).await?.open(&place, &row.payload)?;
        let length = packed.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes));
        if length.is_none_or(|length| length as usize > UNPACKED_BYTES_MAX) {
            return Err(damaged());
        }
        let plain = lz4_flex::decompress_size_prepended(&packed).map_err(|_| damaged())?;
        String::from_utf8(plain).map_err(|_| damaged())
    }
}

fn place(environment: tenon_model::EnvironmentId, operation: i64) -> String {
    format!("run_recordings/{environment}/{operation}/payload")
}

impl Watched {
    fn into_cassette(self, subject: &RunSubject, tape: Tape, outcome: &Outcome) -> Cassette {
        let recording = self.recorder.finish();
        let connection = &subject.live.connection;
        let context: Value = serde_json::from_str(&self.context).unwrap_or_default();
        Cassette {
            format: FORMAT.to_owned(),
            version: VERSION,
            tenon: env!("CARGO_PKG_VERSION").to_owned(),
            run: Identity {
                id: subject.operation.id().0.clone(),
                started_at: self.started.iso_millis(),
                environment: subject.environment.name.clone(),
                integration: connection.unique_key.clone(),
                provider: connection.provider.clone(),
                connection_id: connection.connection_id.clone(),
                function: subject.function.name.clone(),
                kind: Some(self.kind),
                version: Some(subject.function.version.clone()),
                last_sync_date: context["lastSyncDate"].as_str().map(str::to_owned),
                kept_for: String::new(),
                duration_ms: outcome.wall.as_millis().min(u128::from(u64::MAX)) as u64,
            },
            code: CodeCopy {
                hash: self.code.hash.clone(),
                filename: self.code.filename.clone(),
                js: Some(self.code.js.clone()),
            },
            input: self.input.map(|text| Content::of(text.as_bytes())),
            connection: json!({
                "connection_id": connection.connection_id,
                "provider_config_key": connection.unique_key,
                "provider": connection.provider,
                "connection_config": connection.config,
                "metadata": connection.metadata,
            }),
            checkpoint: recording.first_checkpoint(),
            context: Content::of_text(self.context),
            limits: (&self.limits).into(),
            tape,
            outcome: Ended::of(&outcome.result),
            steps: recording.steps,
            truncated: recording.truncated,
            secrets_withheld: 0,
        }
    }
}
