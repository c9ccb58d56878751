//! What the listing has always shown beyond what our entries say; see `compat/listing.toml`.

use std::collections::{BTreeMap, HashSet};
use std::sync::OnceLock;

use serde::Deserialize;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    order: Vec<String>,
    response_type: HashSet<String>,
    token_grant: HashSet<String>,
    refresh_grant: HashSet<String>,
    retry_after: HashSet<String>,
    no_guide: HashSet<String>,
    plain_form: HashSet<String>,
}

/// The tables of `compat/listing.toml`.
#[derive(Debug)]
pub struct Listing {
    file: File,
    rank: BTreeMap<String, usize>,
}

/// The embedded tables, read once.
pub fn listing() -> &'static Listing {
    static LISTING: OnceLock<Listing> = OnceLock::new();
    LISTING.get_or_init(|| {
        // A test proves that the embedded text parses.
        let file: File = toml::from_str(include_str!("../compat/listing.toml")).unwrap_or_default();
        let rank = file
            .order
            .iter()
            .enumerate()
            .map(|(index, id)| (id.clone(), index))
            .collect();
        Listing { file, rank }
    })
}

impl Listing {
    /// Every id that has ever been listed.
    pub fn ids(&self) -> &[String] {
        &self.file.order
    }

    /// Sorts ids as the listing does: known ones in the recorded order, new ones before the first known id that
    /// follows them in the alphabet.
    pub fn sort_key<'a>(&self, id: &'a str) -> (usize, bool, &'a str) {
        match self.rank.get(id) {
            Some(rank) => (*rank, true, ""),
            None => {
                let next = self
                    .rank
                    .range::<str, _>((std::ops::Bound::Excluded(id), std::ops::Bound::Unbounded))
                    .next();
                (next.map_or(usize::MAX, |(_, rank)| *rank), false, id)
            }
        }
    }

    pub fn shows_response_type(&self, id: &str) -> bool {
        self.file.response_type.contains(id)
    }

    pub fn shows_token_grant(&self, id: &str) -> bool {
        self.file.token_grant.contains(id)
    }

    pub fn shows_refresh_grant(&self, id: &str) -> bool {
        self.file.refresh_grant.contains(id)
    }

    pub fn shows_retry_after(&self, id: &str) -> bool {
        self.file.retry_after.contains(id)
    }

    pub fn hides_guide(&self, id: &str) -> bool {
        self.file.no_guide.contains(id)
    }

    pub fn hides_credentials(&self, id: &str) -> bool {
        self.file.plain_form.contains(id)
    }
}
