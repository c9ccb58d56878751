//! What syncs stored: one change stream per connection and model.
//!
//! A *set* ([`sets`]) is the records of one full model (`Model` or `Model::variant`) on one connection. Writers lock its
//! row before they read the clock, and give every change the next sequence number and a later moment than the change
//! before it. So the order of numbers, of moments and of commits is the same, and a reader that remembers the moment of
//! the last record it saw never misses one. [`write`](self::write) changes records, [`list`] reads them, [`sightings`]
//! remembers which unchanged records a run has met, [`shrink`] prunes and removes.

pub mod list;
pub mod sets;
pub mod shrink;
pub mod sightings;
pub mod write;
