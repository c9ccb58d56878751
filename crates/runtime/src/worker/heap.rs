//! Memory of isolates, and how a fresh one appears in microseconds.
//!
//! At start a worker builds one engine with prelude and Zod, loaded and frozen, in memory that begins at a fixed
//! address, and keeps the result as a file in memory: the *snapshot*. A fresh isolate is a private copy-on-write
//! mapping of that file at the same address, so every pointer in it is right; it costs the pages that the run
//! touches. One heap is at the address at a time. To let another isolate run, the kernel moves the pages of the first to
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
use std::io;
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
/// Room for building the snapshot.
const SNAPSHOT_MAX: usize = 16 << 20;

/// The heap at `BASE`. Called only while one is there: by the engine, whose own memory it is, and by [`Heap`]
/// after it made sure.
fn active<'a>() -> &'a Meta {
    // SAFETY: see above; the struct holds cells only and the worker has one thread.
    unsafe { &*(BASE as *const Meta) }
}

/// The snapshot and who is at `BASE`.
pub(super) struct Heaps {
    snapshot: OwnedFd,
    snapshot_len: usize,
    active: Cell<u32>,
    free_slots: RefCell<Vec<u32>>,
    next_slot: Cell<u32>,
}

/// Runs `build` with a heap at `BASE` and keeps what it leaves there as the snapshot. What `build` returns may
/// hold pointers into the heap: they are valid whenever a heap is active.
pub(super) fn build_snapshot<T>(file: OwnedFd, limit: usize, build: impl FnOnce() -> T) -> io::Result<(Rc<Heaps>, T)> {
    let fd = file.as_raw_fd();
    truncate(fd, SNAPSHOT_MAX)?;
    map(BASE, SNAPSHOT_MAX, libc::MAP_SHARED | libc::MAP_FIXED_NOREPLACE, fd)?;
    // The file is new: all zero, which is a valid `Meta` with empty lists.
    let meta = active();
    meta.limit.set(limit);
    meta.building.set(true);
    meta.bump.set((BASE + size_of::<Meta>()).next_multiple_of(64));
    meta.end.set(BASE + SNAPSHOT_MAX);
    let built = build();
    let snapshot_len = (meta.bump.get() - BASE).next_multiple_of(ALIGN);
    meta.end.set(BASE + snapshot_len);
    meta.building.set(false);
    // Blocks freed while building lie all over the snapshot; reusing them would make each isolate copy those pages.
    meta.free.iter().for_each(|list| list.set(std::ptr::null_mut()));
    unmap(BASE, SNAPSHOT_MAX);
    truncate(fd, snapshot_len)?;
    crate::sys::seal(fd)?;
    let heaps = Heaps {
        snapshot: file,
        snapshot_len,
        active: Cell::new(0),
        free_slots: RefCell::default(),
        next_slot: Cell::new(1),
    };
    Ok((Rc::new(heaps), built))
}

/// Memory of one isolate.
pub(super) struct Heap {
    heaps: Rc<Heaps>,
    slot: u32,
    /// False until it was active for the first time.
    mapped: Cell<bool>,
}

impl Heap {
    /// A copy of the snapshot, mapped when first activated. None when there are too many.
    pub(super) fn new(heaps: &Rc<Heaps>) -> Option<Self> {
        let slot = heaps.free_slots.borrow_mut().pop().or_else(|| {
            let slot = heaps.next_slot.get();
            heaps.next_slot.set(slot + 1);
            (slot < SLOTS).then_some(slot)
        })?;
        Some(Self {
            heaps: Rc::clone(heaps),
            slot,
            mapped: Cell::new(false),
        })
    }

    /// Brings this heap to `BASE`. The engine may be used until another heap is activated.
    pub(super) fn activate(&self) {
        if self.heaps.active.get() == self.slot {
            return;
        }
        if self.heaps.active.get() != 0 {
            self.heaps.move_heap(BASE, parking(self.heaps.active.get()));
        }
        if self.mapped.replace(true) {
            self.heaps.move_heap(parking(self.slot), BASE);
        } else {
            let fd = self.heaps.snapshot.as_raw_fd();
            or_die(map(
                BASE,
                self.heaps.snapshot_len,
                libc::MAP_PRIVATE | libc::MAP_FIXED,
                fd,
            ));
        }
        self.heaps.active.set(self.slot);
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
            let is_active = self.heaps.active.get() == self.slot;
            let address = if is_active { BASE } else { parking(self.slot) };
            // SAFETY: the heap is mapped at `address`.
            let meta = unsafe { &*(address as *const Meta) };
            release_large(meta);
            let len = meta.end.get() - BASE;
            unmap(address, len);
            if is_active {
                self.heaps.active.set(0);
            }
        }
        self.heaps.free_slots.borrow_mut().push(self.slot);
    }
}

impl Heaps {
    /// Moves the heap at `from` to `to`: the part of the snapshot, then each piece it grew by.
    fn move_heap(&self, from: usize, to: usize) {
        // SAFETY: a heap is mapped at `from`.
        let pieces = unsafe { &*(from as *const Meta) }.pieces.get();
        move_mapping(from, to, self.snapshot_len);
        let mut offset = self.snapshot_len;
        for piece in 0..pieces {
            let len = ALIGN << piece;
            move_mapping(from + offset, to + offset, len);
            offset += len;
        }
    }
}

fn parking(slot: u32) -> usize {
    BASE + slot as usize * STRIDE
}

fn truncate(fd: RawFd, len: usize) -> io::Result<()> {
    // SAFETY: a plain system call.
    if unsafe { libc::ftruncate(fd, len as libc::off_t) } < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
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
