//! Memory of one isolate.
//!
//! Each QuickJS runtime gets its own arena, for three reasons. The limit is ours: the arena knows exactly when an
//! allocation was refused, so running out of memory is a fact and not a guess from an error text; a small reserve
//! opens after the first refusal, so that the engine can still describe the failure. The account is free to read
//! (the engine's own takes a walk over the heap). And a broken isolate is dropped as a whole, without asking an
//! engine that just ran out of memory to take itself apart.
#![expect(unsafe_code, reason = "an allocator hands out raw memory")]

use std::alloc::{Layout, alloc, dealloc, realloc};
use std::cell::{Cell, RefCell};
use std::ptr;
use std::rc::Rc;

use rquickjs::allocator::Allocator;

/// Bytes in front of each payload: its capacity.
const HEADER: usize = 8;
/// Larger blocks come from the process allocator one by one.
const SMALL_MAX: usize = 32 << 10;
const CHUNK: usize = 128 << 10;
const CHUNK_LAYOUT: Layout = match Layout::from_size_align(CHUNK, 16) {
    Ok(layout) => layout,
    Err(_) => panic!("a constant layout"),
};
/// Steps of 16 up to 1 KiB, then four sizes per doubling up to 32 KiB.
const FINE: usize = 64;
const CLASSES: usize = FINE + 20;
/// What opens after the first refusal.
const RESERVE: usize = 1 << 20;
/// Marks the capacity of a block that is not in a chunk.
const LARGE: u64 = 1 << 63;
const LARGE_HEADER: usize = 24;

/// Shared view of an arena: the engine allocates through it, the isolate reads accounts and sets the limit.
#[derive(Default)]
pub(super) struct Arena {
    limit: Cell<usize>,
    used: Cell<usize>,
    peak: Cell<usize>,
    refused: Cell<bool>,
    free: RefCell<Vec<*mut u8>>,
    chunks: RefCell<Vec<*mut u8>>,
    bump: Cell<(usize, usize)>,
    large: Cell<*mut LargeBlock>,
}

/// Header of a large block, a node of the list that `release` walks. `capacity` sits right before the payload.
#[repr(C)]
struct LargeBlock {
    previous: *mut LargeBlock,
    next: *mut LargeBlock,
    capacity: u64,
}

impl Arena {
    pub(super) fn new(limit: usize) -> Rc<Self> {
        let arena = Self {
            limit: Cell::new(limit),
            ..Self::default()
        };
        arena.free.borrow_mut().resize(CLASSES, ptr::null_mut());
        Rc::new(arena)
    }

    /// Bytes in use, headers not counted.
    pub(super) fn used(&self) -> usize {
        self.used.get()
    }

    /// Largest value of `used` since the last call.
    pub(super) fn take_peak(&self) -> usize {
        self.peak.replace(self.used.get())
    }

    /// True when an allocation was refused since the isolate was made.
    pub(super) fn ran_out(&self) -> bool {
        self.refused.get()
    }

    pub(super) fn set_limit(&self, limit: usize) {
        self.limit.set(limit);
    }

    /// The allocator for the engine.
    pub(super) fn allocator(self: &Rc<Self>) -> ArenaAllocator {
        ArenaAllocator(Rc::clone(self))
    }

    /// Gives all memory back. The engine that lived here must be gone or never touched again.
    pub(super) fn release(&self) {
        let mut large = self.large.replace(ptr::null_mut());
        while !large.is_null() {
            // SAFETY: the list holds exactly the live large blocks; each was allocated with this layout.
            unsafe {
                let next = (*large).next;
                dealloc(
                    large.cast(),
                    large_layout((*large).capacity as usize & !(LARGE as usize)),
                );
                large = next;
            }
        }
        for chunk in self.chunks.borrow_mut().drain(..) {
            // SAFETY: chunks were allocated with this layout and are freed once.
            unsafe { dealloc(chunk, CHUNK_LAYOUT) };
        }
        self.free.borrow_mut().fill(ptr::null_mut());
        self.bump.set((0, 0));
        self.used.set(0);
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
            return self.take_large(size);
        }
        let class = class_of(size + HEADER);
        let block = block_size(class);
        if !self.admit(block - HEADER) {
            return ptr::null_mut();
        }
        let mut free = self.free.borrow_mut();
        let head = free[class];
        if !head.is_null() {
            // SAFETY: a free block's payload holds the next free block of its class.
            free[class] = unsafe { head.cast::<*mut u8>().read() };
            return head;
        }
        drop(free);
        let start = self.bump_up(block);
        if start.is_null() {
            self.used.set(self.used.get() - (block - HEADER));
            return ptr::null_mut();
        }
        // SAFETY: `start` begins `block` fresh bytes, aligned to 8.
        unsafe {
            start.cast::<u64>().write((block - HEADER) as u64);
            start.add(HEADER)
        }
    }

    fn bump_up(&self, block: usize) -> *mut u8 {
        let (mut at, mut end) = self.bump.get();
        if end - at < block {
            // SAFETY: the layout is not empty.
            let chunk = unsafe { alloc(CHUNK_LAYOUT) };
            if chunk.is_null() {
                self.refused.set(true);
                return chunk;
            }
            self.chunks.borrow_mut().push(chunk);
            (at, end) = (chunk as usize, chunk as usize + CHUNK);
        }
        self.bump.set((at + block, end));
        at as *mut u8
    }

    fn take_large(&self, size: usize) -> *mut u8 {
        let size = size.next_multiple_of(16);
        if size >= isize::MAX as usize - 64 || !self.admit(size) {
            self.refused.set(true);
            return ptr::null_mut();
        }
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
    /// `block` is in this arena's list.
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
    /// `payload` was handed out by this arena and is live.
    unsafe fn give(&self, payload: *mut u8) {
        // SAFETY: each payload is preceded by its capacity.
        let capacity = unsafe { payload.sub(HEADER).cast::<u64>().read() };
        if capacity & LARGE != 0 {
            let size = (capacity & !LARGE) as usize;
            self.used.set(self.used.get() - size);
            // SAFETY: a large block starts `LARGE_HEADER` before its payload and was allocated with this layout.
            unsafe {
                let block = payload.sub(LARGE_HEADER).cast::<LargeBlock>();
                self.unlink(block);
                dealloc(block.cast(), large_layout(size));
            }
            return;
        }
        let size = capacity as usize;
        self.used.set(self.used.get() - size);
        let class = class_of(size + HEADER);
        let mut free = self.free.borrow_mut();
        // SAFETY: the payload is at least 8 bytes and free from now on.
        unsafe { payload.cast::<*mut u8>().write(free[class]) };
        free[class] = payload;
    }

    /// # Safety
    /// `payload` was handed out by this arena and is live.
    unsafe fn resize(&self, payload: *mut u8, size: usize) -> *mut u8 {
        // SAFETY: each payload is preceded by its capacity.
        let capacity = unsafe { payload.sub(HEADER).cast::<u64>().read() };
        let old = (capacity & !LARGE) as usize;
        if capacity & LARGE != 0 && size > SMALL_MAX - HEADER {
            // SAFETY: `payload` is a live large block of this arena.
            return unsafe { self.resize_large(payload, old, size.next_multiple_of(16)) };
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
        if size >= isize::MAX as usize - 64 || (size > old && !self.admit(size - old)) {
            self.refused.set(true);
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

/// The engine's side of an [`Arena`].
pub(super) struct ArenaAllocator(Rc<Arena>);

// SAFETY: blocks are aligned to 8 (chunks and large blocks start at 16 and headers are multiples of 8), at least as
// large as asked, and their capacity stands in front of them.
unsafe impl Allocator for ArenaAllocator {
    fn alloc(&mut self, size: usize) -> *mut u8 {
        self.0.take(size.max(8))
    }

    fn calloc(&mut self, count: usize, size: usize) -> *mut u8 {
        let Some(total) = count.checked_mul(size) else {
            return ptr::null_mut();
        };
        let payload = self.0.take(total.max(8));
        if !payload.is_null() {
            // SAFETY: the block holds at least `total` bytes.
            unsafe { payload.write_bytes(0, total) };
        }
        payload
    }

    unsafe fn dealloc(&mut self, payload: *mut u8) {
        if !payload.is_null() {
            // SAFETY: the engine frees what it got here.
            unsafe { self.0.give(payload) }
        }
    }

    unsafe fn realloc(&mut self, payload: *mut u8, size: usize) -> *mut u8 {
        if payload.is_null() {
            return self.alloc(size);
        }
        if size == 0 {
            // SAFETY: as for `dealloc`.
            unsafe { self.0.give(payload) };
            return ptr::null_mut();
        }
        // SAFETY: the engine resizes what it got here.
        unsafe { self.0.resize(payload, size.max(8)) }
    }

    unsafe fn usable_size(payload: *mut u8) -> usize {
        // SAFETY: each payload is preceded by its capacity.
        unsafe { (payload.sub(HEADER).cast::<u64>().read() & !LARGE) as usize }
    }
}

fn large_layout(size: usize) -> Layout {
    // Sizes were checked against `isize::MAX` when the block was made; the fallback cannot happen.
    Layout::from_size_align(size + LARGE_HEADER, 16).unwrap_or(CHUNK_LAYOUT)
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
