//! The few operating system calls that have no safe wrapper here: shared memory, hardening, processor clocks, and
//! the loading of bytecode. Everything unsafe of this crate is in this file and in `worker/heap.rs`.
#![expect(unsafe_code, reason = "system calls and the bytecode loader have no safe form")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rquickjs::{Ctx, Module, Value};

/// Words of a [`StatusPage`].
pub(crate) const STATUS_WORDS: usize = 8;
const PAGE_BYTES: usize = 4096;

/// Makes an anonymous file with this content that nobody can change any more.
pub(crate) fn sealed_memory(content: &[u8]) -> io::Result<OwnedFd> {
    let mut file = File::from(anonymous_file()?);
    file.write_all(content)?;
    seal(file.as_raw_fd())?;
    Ok(file.into())
}

/// Makes an anonymous file unchangeable; private mappings may still be written.
pub(crate) fn seal(fd: RawFd) -> io::Result<()> {
    let seals = libc::F_SEAL_WRITE | libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL;
    // SAFETY: a plain system call.
    check(unsafe { libc::fcntl(fd, libc::F_ADD_SEALS, seals) }).map(drop)
}

/// An empty file that exists in memory only.
pub(crate) fn anonymous_file() -> io::Result<OwnedFd> {
    // SAFETY: the name is a C string; the descriptor is new and ours.
    unsafe {
        let fd = check(libc::memfd_create(
            c"tenon".as_ptr(),
            libc::MFD_CLOEXEC | libc::MFD_ALLOW_SEALING,
        ))?;
        Ok(OwnedFd::from_raw_fd(fd))
    }
}

/// Maps a sealed file for the rest of the process.
pub(crate) fn map_forever(fd: RawFd, len: usize) -> io::Result<&'static [u8]> {
    if len == 0 {
        return Ok(&[]);
    }
    // SAFETY: a fresh read-only mapping; the file is sealed against writing and shrinking.
    unsafe {
        let start = libc::mmap(ptr::null_mut(), len, libc::PROT_READ, libc::MAP_SHARED, fd, 0);
        if start == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        Ok(std::slice::from_raw_parts(start.cast(), len))
    }
}

/// A page of counters that parent and worker share: what the worker is doing right now, and which run to interrupt.
pub(crate) struct StatusPage {
    words: *mut AtomicU64,
}

// SAFETY: the page holds only atomics.
unsafe impl Send for StatusPage {}
// SAFETY: as above.
unsafe impl Sync for StatusPage {}

impl StatusPage {
    /// A new page and the descriptor to hand to the worker.
    pub(crate) fn create() -> io::Result<(Self, OwnedFd)> {
        let fd = anonymous_file()?;
        // SAFETY: plain system calls on a descriptor we own.
        unsafe {
            check(libc::ftruncate(fd.as_raw_fd(), PAGE_BYTES as libc::off_t))?;
            check(libc::fcntl(
                fd.as_raw_fd(),
                libc::F_ADD_SEALS,
                libc::F_SEAL_GROW | libc::F_SEAL_SHRINK | libc::F_SEAL_SEAL,
            ))?;
        }
        Ok((Self::map(fd.as_raw_fd())?, fd))
    }

    /// Maps a page made by the other side.
    pub(crate) fn map(fd: RawFd) -> io::Result<Self> {
        // SAFETY: a fresh mapping of a file that cannot shrink.
        unsafe {
            let start = libc::mmap(
                ptr::null_mut(),
                PAGE_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_SHARED,
                fd,
                0,
            );
            if start == libc::MAP_FAILED {
                return Err(io::Error::last_os_error());
            }
            Ok(Self { words: start.cast() })
        }
    }

    /// The counters.
    pub(crate) fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping is a page of zero-initialised memory that lives as long as `self`.
        unsafe { std::slice::from_raw_parts(self.words, STATUS_WORDS) }
    }
}

impl Drop for StatusPage {
    fn drop(&mut self) {
        // SAFETY: unmaps exactly what was mapped.
        unsafe { libc::munmap(self.words.cast(), PAGE_BYTES) };
    }
}

/// CPU time this process has used (the worker has one thread).
pub(crate) fn own_cpu() -> Duration {
    clock(libc::CLOCK_PROCESS_CPUTIME_ID)
}

/// CPU time another process has used; zero when it is gone.
pub(crate) fn cpu_of(pid: u32) -> Duration {
    let mut id: libc::clockid_t = 0;
    // SAFETY: writes one clock id.
    if unsafe { libc::clock_getcpuclockid(pid as libc::pid_t, &mut id) } != 0 {
        return Duration::ZERO;
    }
    clock(id)
}

fn clock(id: libc::clockid_t) -> Duration {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one timespec.
    if unsafe { libc::clock_gettime(id, &mut time) } != 0 {
        return Duration::ZERO;
    }
    Duration::new(time.tv_sec.max(0) as u64, time.tv_nsec.clamp(0, 999_999_999) as u32)
}

/// Waits until the descriptor can be read or the time is over; None waits for ever.
pub(crate) fn wait_readable(fd: RawFd, timeout: Option<Duration>) -> io::Result<bool> {
    let mut poll = libc::pollfd {
        fd,
        events: libc::POLLIN,
        revents: 0,
    };
    let spec = timeout.map(|timeout| libc::timespec {
        tv_sec: timeout.as_secs().min(86_400) as libc::time_t,
        tv_nsec: timeout.subsec_nanos() as _,
    });
    let spec = spec.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: one pollfd and an optional timespec, both on our stack.
    let ready = unsafe { libc::ppoll(&mut poll, 1, spec, ptr::null()) };
    match check(ready) {
        Ok(ready) => Ok(ready > 0),
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(false),
        Err(error) => Err(error),
    }
}

/// Closes every descriptor but one.
pub(crate) fn close_all_but(keep: RawFd) {
    let keep = keep as libc::c_uint;
    // SAFETY: nothing else in the worker uses a descriptor by now.
    unsafe {
        if keep > 0 {
            libc::syscall(libc::SYS_close_range, 0u32, keep - 1, 0u32);
        }
        libc::syscall(libc::SYS_close_range, keep + 1, u32::MAX, 0u32);
    }
}

/// Keeps this process's memory, which holds opened secrets, out of core files and away from other processes of its user.
/// A zero limit alone would not stop a handler that `core_pattern` pipes to.
pub fn forbid_core_dumps() -> io::Result<()> {
    let none = libc::rlimit {
        rlim_cur: 0,
        rlim_max: 0,
    };
    // SAFETY: reads one rlimit; the other is a plain system call with integer arguments.
    unsafe {
        check(libc::setrlimit(libc::RLIMIT_CORE, &none))?;
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
    }
    Ok(())
}

/// Gives up what a worker never needs: other users' rights, core dumps, survival of its parent, more processes.
pub(crate) fn harden(data_bytes: u64) -> io::Result<()> {
    let limits = [
        (libc::RLIMIT_CORE, 0),
        // Snapshots are files in memory; no other file can be opened.
        (libc::RLIMIT_FSIZE, 256 << 20),
        (libc::RLIMIT_NOFILE, 64),
        (libc::RLIMIT_MEMLOCK, 0),
        (libc::RLIMIT_MSGQUEUE, 0),
        (libc::RLIMIT_DATA, data_bytes),
    ];
    for (resource, value) in limits {
        let limit = libc::rlimit {
            rlim_cur: value,
            rlim_max: value,
        };
        // SAFETY: reads one rlimit.
        check(unsafe { libc::setrlimit(resource, &limit) })?;
    }
    // SAFETY: plain system calls with integer arguments; credentials first, because changing them resets the rest.
    unsafe {
        if libc::geteuid() == 0 {
            const NOBODY: libc::uid_t = 65_534;
            check(libc::setgroups(0, ptr::null()))?;
            check(libc::setresgid(NOBODY, NOBODY, NOBODY))?;
            check(libc::setresuid(NOBODY, NOBODY, NOBODY))?;
        }
        check(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
        check(libc::prctl(libc::PR_SET_DUMPABLE, 0, 0, 0, 0))?;
        check(libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0))?;
    }
    Ok(())
}

/// Loads a module from bytecode.
///
/// The engine's reader trusts its input, so `bytecode` must be our own product: compiled by this process from
/// source text, or by the parent from the vendored prelude and handed over in sealed memory.
pub(crate) fn load_bytecode<'js>(ctx: &Ctx<'js>, bytecode: &[u8]) -> rquickjs::Result<Module<'js>> {
    // SAFETY: see above; every caller passes bytecode written by `worker::bytecode` with this engine.
    unsafe { Module::load(ctx.clone(), bytecode) }
}

/// Copies the bytes of an `ArrayBuffer` or `Uint8Array` (`Buffer` included); None for anything else.
pub(crate) fn copy_bytes(value: &Value<'_>) -> Option<Vec<u8>> {
    let object = value.as_object()?;
    // Empty and detached buffers have no address.
    let raw = match object.as_array_buffer() {
        Some(buffer) => buffer.as_raw(),
        None => object.as_typed_array::<u8>()?.as_raw(),
    };
    // SAFETY: no JavaScript runs between taking the pointer and copying.
    Some(raw.map(|raw| unsafe { raw.as_ref() }.to_vec()).unwrap_or_default())
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
