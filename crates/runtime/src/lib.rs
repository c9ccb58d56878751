//! Runs customer JavaScript in sandboxed worker processes
