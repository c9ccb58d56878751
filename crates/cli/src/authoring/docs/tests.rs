use super::{BEGIN, END, replaced};

#[test]
fn only_the_generated_part_is_replaced() {
    let new = format!("{BEGIN}\nnew\n{END}\n");
    let old = format!("# Mine\n\n{BEGIN}\nold\n{END}\n\nAlso mine.\n");
    assert_eq!(
        replaced(&old, &new),
        Some(format!("# Mine\n\n{BEGIN}\nnew\n{END}\n\nAlso mine.\n"))
    );
    assert_eq!(replaced(&new, &new).as_deref(), Some(new.as_str()));
    for without_marks in ["", "# All mine\n", BEGIN, END] {
        assert_eq!(replaced(without_marks, &new), None);
    }
}
