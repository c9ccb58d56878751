//! Size classes.

use super::*;

#[test]
fn classes_cover_all_sizes() {
    for block in HEADER + 1..=SMALL_MAX {
        let class = class_of(block);
        assert!(class < CLASSES, "{block}");
        assert!(block_size(class) >= block, "{block}");
        assert!(class == 0 || block_size(class - 1) < block, "{block}");
        assert_eq!(block_size(class) % 16, 0);
        assert_eq!(class_of(block_size(class)), class);
    }
}
