//! The CRM search: what it accepts, what it finds, where it stops.

pub mod filter;
pub mod request;

use super::contacts::properties::{self, CREATEDATE, LASTMODIFIEDDATE, OBJECT_ID, PropertyIndex};
use super::contacts::{Contacts, Position};
use super::errors::ApiError;
use filter::Filter;
use request::SearchRequest;

/// One page of a search.
#[derive(Debug)]
pub struct Found {
    /// All matches, also those beyond the cap.
    pub total: usize,
    /// The page.
    pub page: Vec<Position>,
    /// `paging.next.after`, when there is more. May be the cap itself, which then is refused, as documented.
    pub next: Option<usize>,
}

/// Runs a search. `cap` is the number of results that one query may page through.
pub fn run(contacts: &Contacts, request: &SearchRequest, cap: usize) -> Result<Found, ApiError> {
    if request.after.saturating_add(request.limit) > cap {
        return Err(beyond_cap(cap));
    }
    let wanted = request.after..request.after + request.limit;
    let by_modified = matches!(request.sort, Sort::Modified { .. });
    let (total, page) = match single_group(request) {
        Some((low, high, rest)) if by_modified => {
            let residual = |position: &Position| matches_all(contacts, *position, &rest, request);
            let index = contacts.modified_between(low, high);
            match request.sort {
                Sort::Modified { descending: true } => take(index.rev().filter(residual), &wanted),
                _ => take(index.filter(residual), &wanted),
            }
        }
        Some((low, high, rest)) => {
            let matching = contacts
                .modified_between(low, high)
                .filter(|position| matches_all(contacts, *position, &rest, request))
                .collect();
            sorted(contacts, matching, request.sort, &wanted)
        }
        None => {
            let matching = contacts
                .live_after(None, false)
                .filter(|position| {
                    request
                        .groups
                        .iter()
                        .any(|group| matches_all(contacts, *position, &group.iter().collect::<Vec<_>>(), request))
                })
                .collect();
            sorted(contacts, matching, request.sort, &wanted)
        }
    };
    let end = request.after + page.len();
    Ok(Found {
        total,
        next: (end < total && !page.is_empty()).then_some(end),
        page,
    })
}

/// How matches are ordered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// By id, which is the order of creation: the default.
    Created {
        /// Newest first.
        descending: bool,
    },
    /// By `lastmodifieddate`, then id.
    Modified {
        /// Latest first.
        descending: bool,
    },
    /// By the text (or number) of another property; contacts without it come last.
    Property {
        /// Which.
        property: PropertyIndex,
        /// Largest first.
        descending: bool,
    },
}

impl Sort {
    /// The order that a property name asks for.
    pub fn by(property: PropertyIndex, descending: bool) -> Self {
        match property {
            CREATEDATE | OBJECT_ID => Sort::Created { descending },
            LASTMODIFIEDDATE => Sort::Modified { descending },
            property => Sort::Property { property, descending },
        }
    }
}

/// The 400 of a query that is paged beyond the cap.
pub fn beyond_cap(cap: usize) -> ApiError {
    let mut error = ApiError::invalid("There was a problem with the request.");
    error.put(
        "errors",
        serde_json::json!([{
            "message": format!("The search endpoints are limited to {cap} total results for any given query."),
            "in": "after"
        }]),
    );
    error.put("context", serde_json::json!({"limit": [cap.to_string()]}));
    error
}

/// With one group (or none), bounds on `lastmodifieddate` become a range of the index; the other filters remain.
fn single_group(request: &SearchRequest) -> Option<(i64, i64, Vec<&Filter>)> {
    let group: &[Filter] = match request.groups.as_slice() {
        [] => &[],
        [group] => group,
        _ => return None,
    };
    let (mut low, mut high) = (i64::MIN, i64::MAX);
    let mut rest = Vec::new();
    for filter in group {
        match filter.modified_bounds() {
            Some((from, to)) => (low, high) = (low.max(from), high.min(to)),
            None => rest.push(filter),
        }
    }
    Some((low, high, rest))
}

fn matches_all(contacts: &Contacts, position: Position, filters: &[&Filter], request: &SearchRequest) -> bool {
    filters.iter().all(|filter| filter.matches(contacts, position))
        && request
            .query
            .as_deref()
            .is_none_or(|query| filter::matches_query(contacts, position, query))
}

fn take(matching: impl Iterator<Item = Position>, wanted: &std::ops::Range<usize>) -> (usize, Vec<Position>) {
    let mut total = 0;
    let mut page = Vec::with_capacity(wanted.len());
    for position in matching {
        if wanted.contains(&total) {
            page.push(position);
        }
        total += 1;
    }
    (total, page)
}

fn sorted(
    contacts: &Contacts,
    mut matching: Vec<Position>,
    sort: Sort,
    wanted: &std::ops::Range<usize>,
) -> (usize, Vec<Position>) {
    let modified = |position: &Position| contacts.slot(*position).map_or(0, |slot| slot.modified);
    match sort {
        Sort::Created { .. } => matching.sort_unstable(),
        Sort::Modified { .. } => matching.sort_unstable_by_key(|position| (modified(position), *position)),
        Sort::Property { property, .. } => {
            let numeric = properties::get(property).kind == properties::Kind::Number;
            matching.sort_by_cached_key(|position| match contacts.value(*position, property) {
                // Fixed-width digits make numbers comparable as text.
                Some(text) if numeric => (
                    false,
                    format!("{:030.6}", text.parse::<f64>().unwrap_or(0.0)),
                    *position,
                ),
                Some(text) => (false, text.to_lowercase(), *position),
                None => (true, String::new(), *position),
            });
        }
    }
    let descending = match sort {
        Sort::Created { descending } | Sort::Modified { descending } | Sort::Property { descending, .. } => descending,
    };
    if descending {
        matching.reverse();
    }
    let page = matching.iter().skip(wanted.start).take(wanted.len()).copied().collect();
    (matching.len(), page)
}
