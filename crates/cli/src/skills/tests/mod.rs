//! What the skills say, and where they are written.

mod content;
mod install;
