use super::*;

#[test]
fn names_are_found_in_recorded_texts() {
    let mut found = Found::new();
    assert!(unify("v3/unknown--realm--/bill", "v3/12-a/bill", &mut found).is_some());
    assert_eq!(found["unknown--realm--"], "12-a");
    assert!(
        unify("x/unknown--realm--", "x/other", &mut found).is_none(),
        "one value per name"
    );
    assert!(
        unify("v3/unknown--other--", "v3/1/2", &mut found).is_none(),
        "not across segments"
    );
    assert!(unify("plain", "other", &mut found).is_none());
    let unknowns = Unknowns { values: found };
    assert_eq!(
        unknowns.filled("a unknown--realm-- b unknown--x--"),
        "a 12-a b unknown--x--"
    );
}
