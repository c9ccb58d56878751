//! Differences that only come from secrets being withheld.
//!
//! A signature made with a stand-in is another than the one made with the key. A second run with other stand-ins shows
//! which values depend on them: those that change with the stand-ins. They are left out of the comparison.

use serde_json::Value;

use super::verdict::{Difference, Replayed};
use crate::testing::compare::compare;

/// `names` are the stand-ins of the second run and of the first.
pub(super) fn derived(first: Replayed, second: &Replayed, names: (&str, &str)) -> Replayed {
    let mut differences = Vec::new();
    let mut from_secrets = Vec::new();
    for one in first.differences {
        let other = second.differences.iter().find(|other| other.place == one.place);
        match (&one.values, other.and_then(|other| other.values.as_ref())) {
            (Some((recorded, again)), Some((_, third))) => {
                let third = third.to_string().replace(names.0, names.1);
                let third: Value = serde_json::from_str(&third).unwrap_or_default();
                let forgiven = without(recorded, again, &third);
                match compare("it", recorded, &forgiven) {
                    None => from_secrets.push(one.place),
                    Some(_) => differences.push(one),
                }
            }
            _ => differences.push(Difference { ..one }),
        }
    }
    Replayed {
        differences,
        from_secrets,
        ..first
    }
}

/// What came, with the recorded value wherever two replays do not agree.
fn without(recorded: &Value, again: &Value, third: &Value) -> Value {
    if again == third {
        return again.clone();
    }
    match (again, third) {
        (Value::Object(members), Value::Object(others)) => members
            .iter()
            .map(|(name, member)| {
                let kept = match others.get(name) {
                    Some(other) => without(&recorded[name], member, other),
                    None => member.clone(),
                };
                (name.clone(), kept)
            })
            .collect(),
        (Value::Array(items), Value::Array(others)) if items.len() == others.len() => items
            .iter()
            .zip(others)
            .enumerate()
            .map(|(index, (item, other))| without(&recorded[index], item, other))
            .collect(),
        _ => recorded.clone(),
    }
}
