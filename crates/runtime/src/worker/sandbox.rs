//! Closes a worker in before it sees customer code.
//!
//! Layers, each enough against most escapes: no descriptors but the socket to the parent, no environment, another
//! user when started as root, resource limits, landlock without a single allowed path, and a system call list that
//! has no way to open, connect, execute or fork. Denied calls answer `EPERM` instead of killing, so that a library
//! that merely probes does not take other runs of the worker with it.

use std::collections::BTreeMap;
use std::io;

use landlock::{ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr, Scope};
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};

/// Why a worker refuses to start.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error("hardening the process failed")]
    Harden(#[source] io::Error),
    #[error("closing the file system failed")]
    Landlock(#[source] landlock::RulesetError),
    #[error("building the system call filter failed")]
    Filter(#[source] seccompiler::BackendError),
    #[error("installing the system call filter failed")]
    Install(#[source] seccompiler::Error),
    #[error("this processor architecture has no system call filter")]
    Architecture,
}

/// Closes the sandbox for good.
pub(super) fn close(data_bytes: u64) -> Result<(), Error> {
    crate::sys::harden(data_bytes).map_err(Error::Harden)?;
    close_files().map_err(Error::Landlock)?;
    seccompiler::apply_filter(&filter()?).map_err(Error::Install)
}

/// Best effort by design: kernels before 5.13 have no landlock, and the system call filter denies the same.
fn close_files() -> Result<(), landlock::RulesetError> {
    let abi = ABI::V6;
    Ruleset::default()
        .set_compatibility(CompatLevel::BestEffort)
        .handle_access(AccessFs::from_all(abi))?
        .handle_access(AccessNet::from_all(abi))?
        .scope(Scope::from_all(abi))?
        .create()?
        .restrict_self()?;
    Ok(())
}

fn filter() -> Result<BpfProgram, Error> {
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|_| Error::Architecture)?;
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
    for call in [libc::SYS_mmap, libc::SYS_mprotect] {
        rules.insert(call, vec![not_executable().map_err(Error::Filter)?]);
    }
    let denied = SeccompAction::Errno(libc::EPERM as u32);
    let filter = SeccompFilter::new(rules, denied, SeccompAction::Allow, arch).map_err(Error::Filter)?;
    filter.try_into().map_err(Error::Filter)
}

/// Memory may be mapped, but never to be executed.
fn not_executable() -> Result<SeccompRule, seccompiler::BackendError> {
    const PROTECTION_ARGUMENT: u8 = 2;
    let mask = SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64);
    SeccompRule::new(vec![SeccompCondition::new(
        PROTECTION_ARGUMENT,
        SeccompCmpArgLen::Dword,
        mask,
        0,
    )?])
}

/// What a worker needs after it closed: its socket, memory (files in memory for templates included), clocks, random
/// bytes, an end.
const ALLOWED: &[i64] = &[
    libc::SYS_read,
    libc::SYS_write,
    libc::SYS_readv,
    libc::SYS_writev,
    libc::SYS_recvfrom,
    libc::SYS_sendto,
    libc::SYS_ppoll,
    libc::SYS_close,
    libc::SYS_memfd_create,
    libc::SYS_ftruncate,
    libc::SYS_brk,
    libc::SYS_munmap,
    libc::SYS_mremap,
    libc::SYS_madvise,
    libc::SYS_futex,
    libc::SYS_getrandom,
    libc::SYS_clock_gettime,
    libc::SYS_clock_nanosleep,
    libc::SYS_gettimeofday,
    libc::SYS_sched_yield,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigreturn,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigaction,
    libc::SYS_sigaltstack,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_exit,
    libc::SYS_exit_group,
];

#[cfg(test)]
mod tests;
