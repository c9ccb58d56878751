//! Keeps a dry run as a fixture for `tenon test`.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tenon_app::operations::redact::secret_texts;
use tenon_app::recordings::scrub;
use tenon_compiler::Detail;
use tenon_credentials::Concealer;
use tenon_model::Timestamp;
use tenon_runtime::cassette::{Cassette, CodeCopy, Content, Ended, FORMAT, Identity, Recorder, VERSION};
use tenon_runtime::{Invocation, Outcome, Tape};

use super::{Finished, Options, Target};
use crate::testing::record;

/// What `tenon replay` and `tenon debug` read, cleaned of secrets.
pub fn cassette(
    ran: &Invocation,
    outcome: &Outcome,
    recorder: &Recorder,
    target: &Target<'_>,
    options: &Options,
) -> Cassette {
    let recording = recorder.finish();
    let started = outcome.tape.as_ref().and_then(Tape::begun_ms).unwrap_or_default();
    let checkpoint = options
        .checkpoint
        .clone()
        .unwrap_or_else(|| recording.first_checkpoint());
    let mut cassette = Cassette {
        format: FORMAT.to_owned(),
        version: VERSION,
        tenon: env!("CARGO_PKG_VERSION").to_owned(),
        run: Identity {
            id: "dry-run".to_owned(),
            started_at: Timestamp::from_micros(started.saturating_mul(1_000)).iso_millis(),
            environment: options.environment.clone(),
            integration: target.function.integration().to_owned(),
            provider: target.provider.clone(),
            connection_id: target.connection_id.clone(),
            function: target.function.name().to_owned(),
            kind: Some(ran.kind),
            version: None,
            last_sync_date: options.last_sync_date.clone(),
            kept_for: "dryrun".to_owned(),
            duration_ms: outcome.wall.as_millis().min(u128::from(u64::MAX)) as u64,
        },
        code: CodeCopy {
            hash: ran.code.hash.clone(),
            filename: ran.code.filename.clone(),
            js: Some(ran.code.js.clone()),
        },
        input: ran.input_json.as_ref().map(|text| Content::of(text.as_bytes())),
        connection: json!({
            "connection_id": target.connection_id,
            "provider_config_key": target.function.integration(),
            "provider": target.provider,
            "connection_config": target.connection["connection_config"],
            "metadata": options.metadata.as_ref().unwrap_or(&target.connection["metadata"]),
        }),
        checkpoint,
        context: Content::of_text(ran.context_json.clone()),
        limits: (&ran.limits).into(),
        tape: outcome.tape.clone().unwrap_or_default(),
        outcome: Ended::of(&outcome.result),
        steps: recording.steps,
        truncated: recording.truncated,
        secrets_withheld: 0,
    };
    let mut known = Concealer::default();
    secret_texts(&target.connection["credentials"], &mut known);
    secret_texts(&target.connection["connection_config"], &mut known);
    scrub(&mut cassette, &known);
    cassette
}

/// What was kept of a run.
#[derive(Debug, Default)]
pub struct Saved {
    /// The fixture for `tenon test`.
    pub fixture: Option<PathBuf>,
    /// Whether there was one before.
    pub replaced: bool,
    /// The recording for `tenon replay` and `tenon debug`.
    pub recording: Option<PathBuf>,
    /// Why something was not kept that should have been.
    pub problem: Option<String>,
}

/// Keeps a run below `<integration>/tests` of `project`: as a recording in any case, as a fixture when it went well.
pub fn save(project: &Path, finished: &Finished, target: &Target<'_>, options: &Options, went_well: bool) -> Saved {
    let mut saved = Saved::default();
    let Some(recording) = &finished.recording else {
        return saved;
    };
    let folder = project.join(target.function.integration()).join("tests");
    let path = |kind: &str| folder.join(format!("{}.{kind}.json", target.function.name()));
    let mut attempt = |path: PathBuf, written: std::io::Result<()>| match written {
        Ok(()) => Some(path),
        Err(error) => {
            saved.problem = Some(format!("{} cannot be written: {error}", path.display()));
            None
        }
    };
    let file = path("recording");
    let written = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&file, recording.to_json()));
    let recording = attempt(file, written);
    let file = path("test");
    let replaced = file.exists();
    let fixture = went_well.then(|| {
        let written = record::write(&file, &fixture(finished, target, options));
        attempt(file, written)
    });
    Saved {
        recording,
        fixture: fixture.flatten(),
        replaced,
        ..saved
    }
}

fn fixture(finished: &Finished, target: &Target<'_>, options: &Options) -> Value {
    let function = target.function;
    let recorder = &finished.collected.recorder;
    // A run that begins in the middle is repeated from there.
    let begun = options
        .checkpoint
        .clone()
        .map(|checkpoint| ("getCheckpoint".to_owned(), checkpoint));
    match &function.definition.detail {
        Detail::Sync(sync) => {
            let batches = |list: fn(&super::collected::Batches) -> &Vec<Value>| -> Value {
                let of = |model: &String| finished.collected.models.get(model).map(list).cloned();
                let models = sync.outputs.iter();
                models
                    .map(|model| (model.clone(), Value::from(of(model).unwrap_or_default())))
                    .collect()
            };
            let saved = [
                ("batchSave".to_owned(), batches(|batches| &batches.saved)),
                ("batchDelete".to_owned(), batches(|batches| &batches.deleted)),
            ];
            recorder.fixture(None, None, saved.into_iter().chain(begun).collect())
        }
        Detail::Action(_) | Detail::OnEvent { .. } | Detail::Function(_) => {
            let output = finished.outcome.result.as_ref().ok();
            let output = output.and_then(|text| serde_json::from_str(text).ok());
            recorder.fixture(options.input.clone(), output, begun.into_iter().collect())
        }
    }
}
