use super::*;

fn ids(world: &World) -> Vec<String> {
    let records = world.records();
    let rows = records.get("Item").and_then(Value::as_object).cloned();
    rows.unwrap_or_default().keys().cloned().collect()
}

#[test]
fn a_mark_outlives_the_run_that_set_it() {
    let item = |id: &str| json!({ "id": id });
    let mut world = World::with(vec![("Item".into(), vec![item("old"), item("kept")])], None);
    world.begin();
    world.track("Item");
    world.save("Item", vec![item("kept")]).unwrap();
    // Killed here; the next run sees the rest.
    world.begin();
    world.track("Item");
    world.save("Item", vec![item("new")]).unwrap();
    assert_eq!(world.delete_unseen("Item").unwrap(), ["old"]);
    assert_eq!(ids(&world), ["kept", "new"]);
    assert!(world.delete_unseen("Item").is_err(), "the mark is used up");
}

#[test]
fn deleted_records_are_found_by_id_and_not_updated() {
    let mut world = World::default();
    world.save("Item", vec![json!({ "id": 1, "a": { "b": 1 } })]).unwrap();
    world
        .update("Item", vec![json!({ "id": 1, "a": { "c": 2 } }), json!({ "id": 2 })])
        .unwrap();
    assert_eq!(
        world.records(),
        json!({ "Item": { "1": { "id": 1, "a": { "b": 1, "c": 2 } } } })
    );
    world.delete("Item", vec![json!({ "id": "1" })]).unwrap();
    let found = world.by_ids("Item", &["1".to_owned(), "2".to_owned()]);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["_nango_metadata"]["last_action"], "DELETED");
    assert_eq!(world.records(), json!({}));
    assert!(world.save("Item", vec![json!({ "name": "no id" })]).is_err());
}

#[test]
fn checkpoints_are_flat_and_cleared_once() {
    let mut world = World::default();
    assert!(world.save_checkpoint(r#"{"a":{"b":1}}"#.into()).is_err());
    world.save_checkpoint(r#"{"a":"b","c":1}"#.into()).unwrap();
    assert!(world.clear_checkpoint().is_ok());
    assert!(world.clear_checkpoint().is_err());
}
