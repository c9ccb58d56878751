//! Keeps a dry run as a fixture for `tenon test`.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Map, Value};
use tenon_compiler::Detail;

use super::{Finished, Options, Target};
use crate::testing::record;

/// Writes `<integration>/tests/<function>.test.json` below `project`.
pub fn save(project: &Path, finished: &Finished, target: &Target<'_>, options: &Options) -> Result<PathBuf> {
    let function = target.function;
    let recorder = &finished.collected.recorder;
    let fixture = match &function.definition.detail {
        Detail::Sync(sync) => {
            let batches = |list: fn(&super::collected::Batches) -> &Vec<Value>| -> Value {
                let of = |model: &String| finished.collected.models.get(model).map(list).cloned();
                let models = sync.outputs.iter();
                models
                    .map(|model| (model.clone(), Value::from(of(model).unwrap_or_default())))
                    .collect()
            };
            let nango = Map::from_iter([
                ("batchSave".to_owned(), batches(|batches| &batches.saved)),
                ("batchDelete".to_owned(), batches(|batches| &batches.deleted)),
            ]);
            recorder.fixture(None, None, nango)
        }
        Detail::Action(_) | Detail::OnEvent { .. } | Detail::Function(_) => {
            let output = finished.outcome.result.as_ref().ok();
            let output = output.and_then(|text| serde_json::from_str(text).ok());
            recorder.fixture(options.input.clone(), output, Map::new())
        }
    };
    let path = project
        .join(function.integration())
        .join("tests")
        .join(format!("{}.test.json", function.name()));
    record::write(&path, &fixture).with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(path)
}
