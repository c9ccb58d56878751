//! The public cursor: opaque to callers, who keep it for a long time.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tenon_model::Timestamp;

/// A place in a change stream: right after the change at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor(pub Timestamp);

impl Cursor {
    /// Reads a cursor; none when it is malformed.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = STANDARD.decode(text).ok()?;
        let (moment, id) = std::str::from_utf8(&bytes).ok()?.split_once("||")?;
        uuid::Uuid::try_parse(id).ok()?;
        Timestamp::parse_iso(moment).map(Self)
    }
}
