//! Memory of isolates, and how a fresh one appears in microseconds.
//!
//! At start a worker builds one engine with prelude and Zod, loaded and frozen, in memory that begins at a fixed
//! address, and keeps the result as a file in memory: the *snapshot*. A fresh isolate is a private copy-on-write
//! mapping of that file at the same address, so every pointer in it is right; it costs the pages that the run
//! touches. The same is done once more for code that is used often, with its bundle loaded. One heap is at the address at a time. To let another isolate run, the kernel moves the pages of the first to
//! a parking place (page table entries move, nothing is copied) and those of the other back. Dropping an isolate
//! is an `munmap`: an engine is never asked to take itself apart, which it could not do safely after running out
//! of memory.
//!
//! The limit is ours, so running out of memory is a fact and not a guess from an error text; a small reserve opens
//! after the first refusal, so that the engine can still describe the failure.
#![expect(
    unsafe_code,
    reason = "an allocator hands out raw memory, and mappings are system calls"
)]

mod blocks;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::rc::Rc;

pub(super) use blocks::HeapAllocator;
use blocks::{Meta, release_large};

/// Where the heap of the running isolate is. Far from where the kernel and allocators put things by themselves.
const BASE: usize = 0x3000_0000_0000;
/// Distance of parking places, and the largest heap.
const STRIDE: usize = 4 << 30;
/// Parking places.
const SLOTS: u32 = 8192;
/// Heaps start and grow by multiples of this, so that moving them moves whole page tables.
const ALIGN: usize = 2 << 20;
/// The heap at `BASE`. Called only while one is there: by the engine, whose own memory it is, and by [`Heap`]
/// after it made sure.
fn active<'a>() -> &'a Meta {
    // SAFETY: see above; the struct holds cells only and the worker has one thread.
    unsafe { &*(BASE as *const Meta) }
}

/// Who is at `BASE`, and which parking places are free.
pub(super) struct Places {
    active: Cell<u32>,
    free: RefCell<Vec<u32>>,
    next: Cell<u32>,
}

/// A heap as it was at some moment, to make copies of.
pub(super) struct Snapshot {
    file: OwnedFd,
    len: usize,
}

/// Runs `build` with an empty heap at `BASE` and keeps what it leaves there as a snapshot. What `build` returns may
/// hold pointers into the heap: they are valid whenever a copy is active.
pub(super) fn build_snapshot<T>(limit: usize, build: impl FnOnce() -> T) -> io::Result<(Rc<Places>, Rc<Snapshot>, T)> {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_FIXED_NOREPLACE;
    map(BASE, ALIGN, flags, -1)?;
    // Fresh memory is all zero, which is a valid `Meta` with empty lists.
    let meta = active();
    meta.limit.set(limit);
    meta.building.set(true);
    meta.bump.set((BASE + size_of::<Meta>()).next_multiple_of(64));
    meta.base_len.set(ALIGN);
    meta.end.set(BASE + ALIGN);
    let built = build();
    let end = meta.end.get();
    let snapshot = write_snapshot()?;
    crate::sys::seal(snapshot.file.as_raw_fd())?;
    unmap(BASE, end - BASE);
    let places = Places {
        active: Cell::new(0),
        free: RefCell::default(),
        next: Cell::new(1),
    };
    Ok((Rc::new(places), Rc::new(snapshot), built))
}

/// Writes the active heap to a file, changed to what a copy begins with; the heap itself is of no use afterwards
/// but keeps what its release needs.
fn write_snapshot() -> io::Result<Snapshot> {
    let meta = active();
    let used = meta.bump.get() - BASE;
    let len = used.next_multiple_of(ALIGN);
    let (end, base_len, pieces) = (meta.end.get(), meta.base_len.get(), meta.pieces.get());
    meta.end.set(BASE + len);
    meta.base_len.set(len);
    meta.pieces.set(0);
    meta.building.set(false);
    // Blocks freed while building lie all over the snapshot; reusing them would make each copy own those pages.
    meta.free.iter().for_each(|list| list.set(std::ptr::null_mut()));
    let mut file = File::from(crate::sys::anonymous_file()?);
    file.set_len(len as u64)?;
    // SAFETY: the heap is mapped up to its bump at least, and nobody writes to it meanwhile.
    file.write_all(unsafe { std::slice::from_raw_parts(BASE as *const u8, used) })?;
    meta.end.set(end);
    meta.base_len.set(base_len);
    meta.pieces.set(pieces);
    Ok(Snapshot { file: file.into(), len })
}

/// Memory of one isolate.
pub(super) struct Heap {
    places: Rc<Places>,
    snapshot: Rc<Snapshot>,
    slot: u32,
    /// False until it was active for the first time.
    mapped: Cell<bool>,
}

impl Heap {
    /// A copy of the snapshot, mapped when first activated. None when there are too many.
    pub(super) fn new(places: &Rc<Places>, snapshot: &Rc<Snapshot>) -> Option<Self> {
        let freed = places.free.borrow_mut().pop();
        let slot = match freed {
            Some(slot) => slot,
            None if places.next.get() < SLOTS => places.next.replace(places.next.get() + 1),
            None => return None,
        };
        Some(Self {
            places: Rc::clone(places),
            snapshot: Rc::clone(snapshot),
            slot,
            mapped: Cell::new(false),
        })
    }

    /// From here on all blocks lie in the heap itself, so that it can become a snapshot.
    pub(super) fn begin_building(&self) {
        active().building.set(true);
    }

    /// Keeps the heap as a snapshot; it must be active. None when it cannot be one.
    pub(super) fn into_snapshot(self) -> Option<Rc<Snapshot>> {
        let whole = active().building.get() && !active().has_large() && !active().refused.get();
        if whole {
            write_snapshot().ok().map(Rc::new)
        } else {
            None
        }
    }

    /// Brings this heap to `BASE`. The engine may be used until another heap is activated.
    pub(super) fn activate(&self) {
        let active = self.places.active.get();
        if active == self.slot {
            return;
        }
        if active != 0 {
            move_heap(BASE, parking(active));
        }
        if self.mapped.replace(true) {
            move_heap(parking(self.slot), BASE);
        } else {
            let flags = libc::MAP_PRIVATE | libc::MAP_FIXED;
            or_die(map(BASE, self.snapshot.len, flags, self.snapshot.file.as_raw_fd()));
        }
        self.places.active.set(self.slot);
    }

    /// Bytes in use, headers not counted. The heap must be active, as for all below.
    pub(super) fn used(&self) -> usize {
        active().used.get()
    }

    /// Largest value of `used` since the last call.
    pub(super) fn take_peak(&self) -> usize {
        active().peak.replace(active().used.get())
    }

    /// True when an allocation was ever refused.
    pub(super) fn ran_out(&self) -> bool {
        active().refused.get()
    }

    pub(super) fn set_limit(&self, limit: usize) {
        active().limit.set(limit);
    }
}

impl Drop for Heap {
    fn drop(&mut self) {
        if self.mapped.get() {
            let is_active = self.places.active.get() == self.slot;
            let address = if is_active { BASE } else { parking(self.slot) };
            // SAFETY: the heap is mapped at `address`.
            let meta = unsafe { &*(address as *const Meta) };
            release_large(meta);
            let len = meta.end.get() - BASE;
            unmap(address, len);
            if is_active {
                self.places.active.set(0);
            }
        }
        self.places.free.borrow_mut().push(self.slot);
    }
}

/// Bytes in use in the active heap.
pub(super) fn in_use() -> usize {
    active().used.get()
}

/// Moves the heap at `from` to `to`: what it began with, then each piece it grew by.
fn move_heap(from: usize, to: usize) {
    // SAFETY: a heap is mapped at `from`.
    let meta = unsafe { &*(from as *const Meta) };
    let (mut offset, pieces) = (meta.base_len.get(), meta.pieces.get());
    move_mapping(from, to, offset);
    for piece in 0..pieces {
        let len = ALIGN << piece;
        move_mapping(from + offset, to + offset, len);
        offset += len;
    }
}

fn parking(slot: u32) -> usize {
    BASE + slot as usize * STRIDE
}

fn map(address: usize, len: usize, flags: libc::c_int, fd: RawFd) -> io::Result<()> {
    // SAFETY: the addresses used here belong to this module, see `BASE`.
    let mapped = unsafe { libc::mmap(address as *mut _, len, libc::PROT_READ | libc::PROT_WRITE, flags, fd, 0) };
    if mapped as usize == address {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

fn unmap(address: usize, len: usize) {
    // SAFETY: unmaps memory of this module that nobody uses any more.
    unsafe { libc::munmap(address as *mut _, len) };
}

fn move_mapping(from: usize, to: usize, len: usize) {
    // SAFETY: moves a mapping of this module to a free place of this module.
    let moved = unsafe {
        libc::mremap(
            from as *mut _,
            len,
            len,
            libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED,
            to as *mut libc::c_void,
        )
    };
    or_die(if moved as usize == to {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    });
}

/// A worker that cannot bring its heaps where they belong has no way on.
fn or_die(result: io::Result<()>) {
    if result.is_err() {
        std::process::exit(6);
    }
}

#[cfg(test)]
mod tests;
