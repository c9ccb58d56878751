//! The platform's side of a sync while it is tested: records, the checkpoint and marks of delete tracking.
//!
//! It outlives a run, so that a run can be killed and taken up again by another one (functions contract, 3.6, 3.8, 4.7).

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

/// Fields of a checkpoint.
const CHECKPOINT_FIELDS_MAX: usize = 16;

/// What is stored between runs.
#[derive(Debug, Clone, Default)]
pub struct World {
    models: BTreeMap<String, BTreeMap<String, Row>>,
    /// The checkpoint as JSON text.
    pub checkpoint: Option<String>,
    marks: BTreeMap<String, u64>,
    job: u64,
}

#[derive(Debug, Clone)]
struct Row {
    data: Value,
    live: bool,
    /// The job that saw it last.
    seen: u64,
}

impl World {
    /// A world in which earlier runs saved these records and this checkpoint.
    pub fn with(records: Vec<(String, Vec<Value>)>, checkpoint: Option<String>) -> Self {
        let mut world = Self {
            checkpoint,
            ..Self::default()
        };
        for (model, records) in records {
            // Records that are no records are complained of when the function saves such ones.
            let _ = world.save(&model, records);
        }
        world
    }

    /// The beginning of a run.
    pub fn begin(&mut self) {
        self.job += 1;
    }

    /// `batchSave`: of equal ids in one call the first counts.
    ///
    /// # Errors
    /// A record without an id.
    pub fn save(&mut self, model: &str, records: Vec<Value>) -> Result<(), String> {
        self.put(model, records, true)
    }

    /// `batchDelete`; what was never seen is stored as deleted.
    ///
    /// # Errors
    /// A record without an id.
    pub fn delete(&mut self, model: &str, records: Vec<Value>) -> Result<(), String> {
        self.put(model, records, false)
    }

    fn put(&mut self, model: &str, records: Vec<Value>, live: bool) -> Result<(), String> {
        let mut incoming = BTreeMap::new();
        for record in records {
            let id = id_of(&record).ok_or_else(|| format!("a record of {model} has no id"))?;
            incoming.entry(id).or_insert(record);
        }
        let seen = self.job;
        let rows = self.models.entry(model.to_owned()).or_default();
        for (id, data) in incoming {
            rows.insert(id, Row { data, live, seen });
        }
        Ok(())
    }

    /// `batchUpdate`: merged into live records, others are left out.
    ///
    /// # Errors
    /// A record without an id.
    pub fn update(&mut self, model: &str, records: Vec<Value>) -> Result<(), String> {
        let rows = self.models.entry(model.to_owned()).or_default();
        for record in records {
            let id = id_of(&record).ok_or_else(|| format!("a record of {model} has no id"))?;
            if let Some(row) = rows.get_mut(&id).filter(|row| row.live) {
                merge(&mut row.data, record);
                row.seen = self.job;
            }
        }
        Ok(())
    }

    /// `getRecordsByIds`.
    pub fn by_ids(&self, model: &str, ids: &[String]) -> Vec<Value> {
        let rows = self.models.get(model);
        let row = |id: &String| rows?.get(id).map(Row::shown);
        ids.iter().filter_map(row).collect()
    }

    /// `listRecords`, all on one page.
    pub fn list(&self, model: &str) -> Vec<Value> {
        let rows = self.models.get(model).into_iter().flatten();
        rows.map(|(_, row)| row.shown()).collect()
    }

    /// `trackDeletesStart`: a mark that is set stays.
    pub fn track(&mut self, model: &str) {
        self.marks.entry(model.to_owned()).or_insert(self.job);
    }

    /// `trackDeletesEnd`: deletes what was not seen since the mark.
    ///
    /// # Errors
    /// There is no mark.
    pub fn delete_unseen(&mut self, model: &str) -> Result<Vec<String>, String> {
        let since = self
            .marks
            .remove(model)
            .ok_or_else(|| format!("trackDeletesEnd was called without trackDeletesStart for the model {model}"))?;
        Ok(self.delete_before(model, since))
    }

    /// `deleteRecordsFromPreviousExecutions`.
    pub fn delete_previous(&mut self, model: &str) -> Vec<String> {
        self.delete_before(model, self.job)
    }

    fn delete_before(&mut self, model: &str, since: u64) -> Vec<String> {
        let rows = self.models.entry(model.to_owned()).or_default();
        let gone = rows.iter_mut().filter(|(_, row)| row.live && row.seen < since);
        gone.map(|(id, row)| {
            row.live = false;
            id.clone()
        })
        .collect()
    }

    /// `saveCheckpoint`; what is refused is stored all the same.
    ///
    /// # Errors
    /// It is not a flat object, or has too many fields.
    pub fn save_checkpoint(&mut self, text: String) -> Result<(), String> {
        let value: Value = serde_json::from_str(&text).unwrap_or(Value::Null);
        let plain = |value: &Value| value.is_string() || value.is_number() || value.is_boolean();
        let fits = value
            .as_object()
            .is_some_and(|fields| fields.len() <= CHECKPOINT_FIELDS_MAX && fields.values().all(plain));
        let refused = (!fits).then(|| {
            format!(
                "Error saving checkpoint: {text} is not a flat object of at most {CHECKPOINT_FIELDS_MAX} texts, numbers \
                 and booleans"
            )
        });
        self.checkpoint = Some(text);
        refused.map_or(Ok(()), Err)
    }

    /// `clearCheckpoint`.
    ///
    /// # Errors
    /// There is none.
    pub fn clear_checkpoint(&mut self) -> Result<(), String> {
        self.checkpoint
            .take()
            .map(drop)
            .ok_or_else(|| "Error clearing checkpoint: checkpoint_conflict, nothing is saved".to_owned())
    }

    /// Live records by model and id.
    pub fn records(&self) -> Value {
        let models = self.models.iter().filter_map(|(model, rows)| {
            let live: Map<String, Value> = rows
                .iter()
                .filter(|(_, row)| row.live)
                .map(|(id, row)| (id.clone(), row.data.clone()))
                .collect();
            (!live.is_empty()).then(|| (model.clone(), Value::Object(live)))
        });
        Value::Object(models.collect())
    }
}

impl Row {
    fn shown(&self) -> Value {
        let mut data = self.data.clone();
        if let Value::Object(members) = &mut data {
            let action = if self.live { "ADDED" } else { "DELETED" };
            members.insert("_nango_metadata".to_owned(), json!({ "last_action": action }));
        }
        data
    }
}

fn id_of(record: &Value) -> Option<String> {
    match record.get("id")? {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) if number.as_f64() != Some(0.0) => Some(number.to_string()),
        _ => None,
    }
}

fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(known), Value::Object(members)) => {
            for (name, value) in members {
                merge(known.entry(name).or_insert(Value::Null), value);
            }
        }
        (known, value) => *known = value,
    }
}

#[cfg(test)]
mod tests;
