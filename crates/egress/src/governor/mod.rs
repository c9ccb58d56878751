//! Pre-emptive rate limits.
