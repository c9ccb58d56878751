//! Blocks inside a heap: size classes with free lists, fresh memory in front, large blocks outside.
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::Cell;
use std::ptr;

use rquickjs::allocator::Allocator;

use super::{ALIGN, BASE, STRIDE, active, map};

/// Bytes in front of each payload: its capacity.
const HEADER: usize = 8;
/// Larger blocks come from the process allocator one by one.
const SMALL_MAX: usize = 32 << 10;
/// Steps of 16 up to 1 KiB, then four sizes per doubling up to 32 KiB.
const FINE: usize = 64;
const CLASSES: usize = FINE + 20;
/// What opens after the first refusal.
const RESERVE: usize = 1 << 20;
/// Marks the capacity of a block that is not in the heap's own memory.
const LARGE: u64 = 1 << 63;
const LARGE_HEADER: usize = 24;

/// Start of each heap; part of the snapshot.
#[repr(C)]
pub(super) struct Meta {
    pub(super) limit: Cell<usize>,
    pub(super) used: Cell<usize>,
    pub(super) peak: Cell<usize>,
    pub(super) refused: Cell<bool>,
    /// While a snapshot is built all blocks lie in the heap itself; large ones are never reused.
    pub(super) building: Cell<bool>,
    /// Next fresh byte and end of mapped memory.
    pub(super) bump: Cell<usize>,
    pub(super) end: Cell<usize>,
    /// Bytes the heap began with, and anonymous pieces mapped behind them; piece n has `ALIGN << n` bytes.
    pub(super) base_len: Cell<usize>,
    pub(super) pieces: Cell<u32>,
    large: Cell<*mut LargeBlock>,
    pub(super) free: [Cell<*mut u8>; CLASSES],
}

/// Header of a large block, a node of the list that `release` walks. `capacity` sits right before the payload.
#[repr(C)]
struct LargeBlock {
    previous: *mut LargeBlock,
    next: *mut LargeBlock,
    capacity: u64,
}

pub(super) fn release_large(meta: &Meta) {
    let mut block = meta.large.replace(ptr::null_mut());
    while !block.is_null() {
        // SAFETY: the list holds exactly the live large blocks; each was allocated with this layout.
        unsafe {
            let next = (*block).next;
            dealloc(block.cast(), large_layout(((*block).capacity & !LARGE) as usize));
            block = next;
        }
    }
}

impl Meta {
    pub(super) fn has_large(&self) -> bool {
        !self.large.get().is_null()
    }

    fn admit(&self, more: usize) -> bool {
        let used = self.used.get().saturating_add(more);
        let reserve = if self.refused.get() { RESERVE } else { 0 };
        if used > self.limit.get().saturating_add(reserve) {
            self.refused.set(true);
            return false;
        }
        self.used.set(used);
        if used > self.peak.get() {
            self.peak.set(used);
        }
        true
    }

    fn take(&self, size: usize) -> *mut u8 {
        if size > SMALL_MAX - HEADER {
            return if self.building.get() {
                self.take_fresh(size.next_multiple_of(16) + HEADER)
            } else {
                self.take_large(size)
            };
        }
        let class = class_of(size + HEADER);
        let head = self.free[class].get();
        if head.is_null() {
            return self.take_fresh(block_size(class));
        }
        if !self.admit(block_size(class) - HEADER) {
            return ptr::null_mut();
        }
        // SAFETY: a free block's payload holds the next free block of its class.
        self.free[class].set(unsafe { head.cast::<*mut u8>().read() });
        head
    }

    /// A block of this many bytes, header included, from fresh memory.
    fn take_fresh(&self, block: usize) -> *mut u8 {
        if !self.admit(block - HEADER) {
            return ptr::null_mut();
        }
        let start = self.bump.get();
        if !self.reach(start + block) {
            self.refused.set(true);
            self.used.set(self.used.get() - (block - HEADER));
            return ptr::null_mut();
        }
        self.bump.set(start + block);
        // SAFETY: `start` begins `block` fresh mapped bytes, aligned to 8.
        unsafe {
            let start = start as *mut u8;
            start.cast::<u64>().write((block - HEADER) as u64);
            start.add(HEADER)
        }
    }

    /// Maps memory up to this address at least.
    fn reach(&self, address: usize) -> bool {
        while address > self.end.get() {
            if !self.grow() {
                return false;
            }
        }
        true
    }

    fn grow(&self) -> bool {
        let (end, len) = (self.end.get(), ALIGN << self.pieces.get());
        if end + len > BASE + STRIDE {
            return false;
        }
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED;
        if map(end, len, flags, -1).is_err() {
            return false;
        }
        self.end.set(end + len);
        self.pieces.set(self.pieces.get() + 1);
        true
    }

    fn take_large(&self, size: usize) -> *mut u8 {
        if size >= isize::MAX as usize - 64 || !self.admit(size.next_multiple_of(16)) {
            self.refused.set(true);
            return ptr::null_mut();
        }
        let size = size.next_multiple_of(16);
        // SAFETY: the layout is not empty.
        let block = unsafe { alloc(large_layout(size)) }.cast::<LargeBlock>();
        if block.is_null() {
            self.refused.set(true);
            self.used.set(self.used.get() - size);
            return ptr::null_mut();
        }
        // SAFETY: `block` is ours and large enough for its header.
        unsafe {
            block.write(LargeBlock {
                previous: ptr::null_mut(),
                next: ptr::null_mut(),
                capacity: size as u64 | LARGE,
            });
            self.link(block);
            block.cast::<u8>().add(LARGE_HEADER)
        }
    }

    /// # Safety
    /// `block` is a live large block that is in no list.
    unsafe fn link(&self, block: *mut LargeBlock) {
        let head = self.large.replace(block);
        // SAFETY: by contract; `head` is live while it is in the list.
        unsafe {
            (*block).previous = ptr::null_mut();
            (*block).next = head;
            if !head.is_null() {
                (*head).previous = block;
            }
        }
    }

    /// # Safety
    /// `block` is in this heap's list.
    unsafe fn unlink(&self, block: *mut LargeBlock) {
        // SAFETY: neighbours of a listed block are live.
        unsafe {
            let LargeBlock { previous, next, .. } = *block;
            if previous.is_null() {
                self.large.set(next);
            } else {
                (*previous).next = next;
            }
            if !next.is_null() {
                (*next).previous = previous;
            }
        }
    }

    /// # Safety
    /// `payload` was handed out by this heap and is live.
    unsafe fn give(&self, payload: *mut u8) {
        // SAFETY: each payload is preceded by its capacity.
        let capacity = unsafe { payload.sub(HEADER).cast::<u64>().read() };
        let size = (capacity & !LARGE) as usize;
        self.used.set(self.used.get() - size);
        if capacity & LARGE != 0 {
            // SAFETY: a large block starts `LARGE_HEADER` before its payload and was allocated with this layout.
            unsafe {
                let block = payload.sub(LARGE_HEADER).cast::<LargeBlock>();
                self.unlink(block);
                dealloc(block.cast(), large_layout(size));
            }
        } else if size <= SMALL_MAX - HEADER {
            let class = class_of(size + HEADER);
            // SAFETY: the payload is at least 8 bytes and free from now on.
            unsafe { payload.cast::<*mut u8>().write(self.free[class].get()) };
            self.free[class].set(payload);
        }
    }

    /// # Safety
    /// `payload` was handed out by this heap and is live.
    unsafe fn resize(&self, payload: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: each payload is preceded by its capacity.
        let capacity = unsafe { payload.sub(HEADER).cast::<u64>().read() };
        let old = (capacity & !LARGE) as usize;
        if capacity & LARGE != 0 && size > SMALL_MAX - HEADER {
            // SAFETY: `payload` is a live large block of this heap.
            return unsafe { self.resize_large(payload, old, size) };
        }
        if capacity & LARGE == 0 && size <= old && size * 2 > old {
            return payload;
        }
        let moved = self.take(size);
        if !moved.is_null() {
            // SAFETY: both blocks are live, do not overlap, and hold the copied length.
            unsafe {
                ptr::copy_nonoverlapping(payload, moved, old.min(size));
                self.give(payload);
            }
        }
        moved
    }

    /// # Safety
    /// `payload` is a live large block of `old` bytes.
    unsafe fn resize_large(&self, payload: *mut u8, old: usize, size: usize) -> *mut u8 {
        if size >= isize::MAX as usize - 64 {
            self.refused.set(true);
            return ptr::null_mut();
        }
        let size = size.next_multiple_of(16);
        if size > old && !self.admit(size - old) {
            return ptr::null_mut();
        }
        // SAFETY: by contract; the block leaves the list before it may move and joins it again after.
        unsafe {
            let block = payload.sub(LARGE_HEADER).cast::<LargeBlock>();
            self.unlink(block);
            let moved = realloc(block.cast(), large_layout(old), size + LARGE_HEADER).cast::<LargeBlock>();
            if moved.is_null() {
                self.link(block);
                self.refused.set(true);
                self.used.set(self.used.get() - size.saturating_sub(old));
                return ptr::null_mut();
            }
            if size < old {
                self.used.set(self.used.get() - (old - size));
            }
            (*moved).capacity = size as u64 | LARGE;
            self.link(moved);
            moved.cast::<u8>().add(LARGE_HEADER)
        }
    }
}

/// The engine's side: whatever heap is active.
pub(in crate::worker) struct HeapAllocator;

// SAFETY: blocks are aligned to 8 (block sizes are multiples of 8 from an aligned start), at least as large as
// asked, and their capacity stands in front of them.
unsafe impl Allocator for HeapAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        active().take(size.max(8))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(total) = count.checked_mul(size) else {
            return ptr::null_mut();
        };
        let payload = active().take(total.max(8));
        if !payload.is_null() {
            // SAFETY: the block holds at least `total` bytes.
            unsafe { payload.write_bytes(0, total) };
        }
        payload
    }

    unsafe fn dealloc(&mut self, payload: *mut u8) {
        if !payload.is_null() {
            // SAFETY: the engine frees what it got from the heap it lives in.
            unsafe { active().give(payload) }
        }
    }

    unsafe fn realloc(&mut self, payload: *mut u8, size: usize) -> *mut u8 {
        if payload.is_null() {
            return self.alloc(size);
        }
        // SAFETY: the engine resizes what it got from the heap it lives in.
        unsafe {
            if size == 0 {
                active().give(payload);
                return ptr::null_mut();
            }
            active().resize(payload, size.max(8))
        }
    }

    unsafe fn usable_size(payload: *mut u8) -> usize {
        // SAFETY: each payload is preceded by its capacity.
        unsafe { (payload.sub(HEADER).cast::<u64>().read() & !LARGE) as usize }
    }
}

fn large_layout(size: usize) -> Layout {
    // Sizes were checked against `isize::MAX` when the block was made; the fallback cannot happen.
    Layout::from_size_align(size + LARGE_HEADER, 16).unwrap_or(Layout::new::<LargeBlock>())
}

/// Class of a block (header included).
fn class_of(block: usize) -> usize {
    if block <= FINE * 16 {
        return block.div_ceil(16) - 1;
    }
    let power = usize::BITS as usize - 1 - (block - 1).leading_zeros() as usize;
    let quarter = ((block - 1) >> (power - 2)) & 3;
    FINE + (power - 10) * 4 + quarter
}

/// Bytes of a block of a class, header included.
fn block_size(class: usize) -> usize {
    if class < FINE {
        return (class + 1) * 16;
    }
    let power = 10 + (class - FINE) / 4;
    let quarter = (class - FINE) % 4;
    (1 << power) + ((quarter + 1) << (power - 2))
}

#[cfg(test)]
mod tests;
