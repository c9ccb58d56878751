//! HTTP translated into app calls
