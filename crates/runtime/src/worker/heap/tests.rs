//! Random allocation traffic against a model.
#![expect(unsafe_code, reason = "an allocator is used through raw pointers")]

use rquickjs::allocator::Allocator;

use super::*;

/// One test, because there is one place for heaps in a process.
#[test]
fn heaps_keep_their_contents_apart() {
    let (places, snapshot, mark) = build_snapshot(64 << 20, || {
        let mark = HeapAllocator.alloc(100);
        let big = HeapAllocator.alloc(100_000);
        // SAFETY: both blocks are live.
        unsafe {
            mark.write_bytes(7, 100);
            big.write_bytes(8, 100_000);
        }
        (mark, big)
    })
    .expect("snapshot");
    let all: Vec<Heap> = (0..5).map(|_| Heap::new(&places, &snapshot).expect("heap")).collect();
    for (index, heap) in all.iter().enumerate() {
        heap.activate();
        // SAFETY: the snapshot's blocks are in every heap.
        unsafe {
            assert_eq!((*mark.0, *mark.1), (7, 8));
            *mark.0 = index as u8;
        }
        contents_survive_traffic(heap);
    }
    for (index, heap) in all.iter().enumerate().rev() {
        heap.activate();
        // SAFETY: as above.
        unsafe { assert_eq!(*mark.0, index as u8) };
        the_limit_holds_and_leaves_a_reserve(heap);
    }
    drop(all);
    let fresh = Heap::new(&places, &snapshot).expect("heap");
    fresh.activate();
    // SAFETY: as above.
    unsafe {
        assert_eq!(*mark.0, 7);
        fresh.begin_building();
        *mark.0 = 9;
        HeapAllocator.alloc(5 << 20).write_bytes(1, 5 << 20);
    }
    let second = fresh.into_snapshot().expect("a second snapshot");
    let copy = Heap::new(&places, &second).expect("heap");
    copy.activate();
    // SAFETY: as above.
    unsafe { assert_eq!(*mark.0, 9) };
    contents_survive_traffic(&copy);
    let parked = Heap::new(&places, &snapshot).expect("heap");
    parked.activate();
    copy.activate();
    // SAFETY: as above.
    unsafe { assert_eq!(*mark.0, 9) };
}

fn contents_survive_traffic(heap: &Heap) {
    let before = heap.used();
    let mut allocator = HeapAllocator;
    let mut live: Vec<(*mut u8, usize, u8)> = Vec::new();
    let mut state = 12345u64;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for step in 0..50_000 {
        let roll = next() % 10;
        let size = match next() % 20 {
            0 => next() % 200_000,
            1..=3 => next() % 5_000,
            _ => next() % 200,
        } + 1;
        // SAFETY: only live blocks are touched, within their sizes.
        unsafe {
            if roll < 5 || live.is_empty() {
                let block = allocator.alloc(size);
                assert!(!block.is_null());
                assert_eq!(block as usize % 8, 0);
                block.write_bytes(step as u8, size);
                live.push((block, size, step as u8));
            } else if roll < 7 {
                let index = next() % live.len();
                let (block, old, tag) = live[index];
                let moved = allocator.realloc(block, size);
                assert!(HeapAllocator::usable_size(moved) >= size);
                let kept = std::slice::from_raw_parts(moved, old.min(size));
                assert!(kept.iter().all(|byte| *byte == tag));
                moved.write_bytes(tag, size);
                live[index] = (moved, size, tag);
            } else {
                let (block, size, tag) = live.swap_remove(next() % live.len());
                assert!(std::slice::from_raw_parts(block, size).iter().all(|byte| *byte == tag));
                allocator.dealloc(block);
            }
            if live.len() > 300 {
                for (block, ..) in live.drain(..200) {
                    allocator.dealloc(block);
                }
            }
        }
    }
    for (block, ..) in live {
        // SAFETY: each block is live.
        unsafe { allocator.dealloc(block) };
    }
    assert_eq!(heap.used(), before);
}

fn the_limit_holds_and_leaves_a_reserve(heap: &Heap) {
    heap.set_limit(heap.used() + (1 << 20));
    let mut allocator = HeapAllocator;
    assert!(!allocator.alloc(900 << 10).is_null());
    assert!(allocator.alloc(200 << 10).is_null());
    assert!(heap.ran_out());
    assert!(!allocator.alloc(200 << 10).is_null(), "the reserve is open now");
    assert!(allocator.alloc(2 << 20).is_null());
    assert!(allocator.calloc(usize::MAX, 2).is_null());
    assert!(allocator.alloc(usize::MAX - 100).is_null());
}
