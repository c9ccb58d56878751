use std::time::Duration;

use tenon_app::operations::format_id;
use tenon_model::Timestamp;
use tenon_store::tables::operations::id_at;

use super::earlier;

#[test]
fn ids_can_be_moved_back() {
    let now = Timestamp::parse_iso("2026-05-01T10:00:00Z").unwrap();
    let by = Duration::from_secs(90);
    assert_eq!(
        earlier(&format_id(id_at(now, 5)), by),
        Some(format_id(id_at(now.minus(by), 5)))
    );
    assert_eq!(earlier("nonsense", by), None);
    assert_eq!(earlier(&format_id(7), by), Some(format_id(0)));
}
