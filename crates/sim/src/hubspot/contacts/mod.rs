//! The contacts of the simulated account.
//!
//! A contact is a slot of four numbers; its text comes from the seed until somebody writes a property. An ordered index
//! over (`lastmodifieddate`, id) answers the search that incremental syncs live on.

pub mod properties;
pub mod seed;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use properties::{CREATEDATE, EMAIL, LASTMODIFIEDDATE, OBJECT_ID, PropertyIndex};
use serde_json::{Map, Value};

use crate::hash::mix3;
use crate::timetext::iso_millis;

/// The id of the first contact; ids grow by one in order of creation.
pub const FIRST_ID: u64 = 1_000_001;

/// Position of a contact among all that ever existed.
pub type Position = u32;

/// What is kept of every contact.
#[derive(Debug, Clone, Copy)]
pub struct Slot {
    /// `createdate`.
    pub created: i64,
    /// `lastmodifieddate`.
    pub modified: i64,
    /// Modifications by the control endpoint.
    pub version: u32,
    /// Deleted contacts stay, archived.
    pub archived: bool,
}

/// A change that webhooks report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// `contact.creation`.
    Created(Position),
    /// `contact.propertyChange` with the name and the new value.
    Property(Position, &'static str, String),
    /// `contact.deletion`.
    Deleted(Position),
}

/// A write that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteError {
    /// The address belongs to this contact.
    EmailTaken(u64),
    /// Reason per property, in HubSpot's words.
    Invalid(Vec<(String, &'static str, String)>),
}

/// Properties of a write, by name; null and the empty text clear.
pub type Writes<'a> = &'a Map<String, Value>;

/// Writes that passed the check; none clears.
type Checked = Vec<(PropertyIndex, Option<Box<str>>)>;

type Edits = BTreeMap<PropertyIndex, Option<Box<str>>>;

/// All contacts of the account.
#[derive(Debug)]
pub struct Contacts {
    seed: u64,
    seeded: usize,
    slots: Vec<Slot>,
    by_modified: BTreeSet<(i64, Position)>,
    edits: HashMap<Position, Edits>,
    written_emails: HashMap<String, Position>,
    /// The latest moment that clients may have seen or that was given to a change; later bulk changes come after it.
    watermark: i64,
    bulk_changes: u64,
}

impl Contacts {
    /// An account with `count` seeded contacts.
    pub fn seeded(seed: u64, count: usize, same_millisecond: bool) -> Self {
        let mut slots = Vec::with_capacity(count);
        for position in 0..count {
            let created = seed::created_ms(position, count);
            let modified = if same_millisecond {
                seed::ANCHOR_MS
            } else {
                seed::modified_ms(seed, u32::try_from(position).unwrap_or(u32::MAX), created)
            };
            slots.push(Slot {
                created,
                modified,
                version: 0,
                archived: false,
            });
        }
        let mut ordered: Vec<(i64, Position)> = slots
            .iter()
            .zip(0..)
            .map(|(slot, position)| (slot.modified, position))
            .collect();
        ordered.sort_unstable();
        Self {
            seed,
            seeded: count,
            slots,
            by_modified: ordered.into_iter().collect(),
            edits: HashMap::new(),
            written_emails: HashMap::new(),
            watermark: seed::ANCHOR_MS,
            bulk_changes: 0,
        }
    }

    /// Live contacts.
    pub fn live(&self) -> usize {
        self.by_modified.len()
    }

    /// Contacts that ever existed.
    pub fn total(&self) -> usize {
        self.slots.len()
    }

    /// The slot at a position.
    pub fn slot(&self, position: Position) -> Option<&Slot> {
        self.slots.get(position as usize)
    }

    /// The id of a position.
    pub fn id(position: Position) -> u64 {
        FIRST_ID + u64::from(position)
    }

    /// The position of an id that exists or existed.
    pub fn position(&self, id: u64) -> Option<Position> {
        let position = Position::try_from(id.checked_sub(FIRST_ID)?).ok()?;
        (usize::try_from(position).ok()? < self.slots.len()).then_some(position)
    }

    /// The position of a live contact.
    pub fn live_position(&self, id: u64) -> Option<Position> {
        self.position(id)
            .filter(|position| self.slot(*position).is_some_and(|slot| !slot.archived))
    }

    /// The live contact with this address.
    pub fn by_email(&self, email: &str) -> Option<Position> {
        let email = email.to_lowercase();
        let found = self.written_emails.get(&email).copied().or_else(|| {
            let position = seed::position_in_email(&email)?;
            (self.value(position, EMAIL).as_deref() == Some(email.as_str())).then_some(position)
        })?;
        self.slot(found).filter(|slot| !slot.archived).map(|_| found)
    }

    /// The index in order of (`lastmodifieddate`, id), within inclusive bounds.
    pub fn modified_between(&self, low: i64, high: i64) -> impl DoubleEndedIterator<Item = Position> + '_ {
        let range = (low <= high).then(|| self.by_modified.range((low, 0)..=(high, Position::MAX)));
        range.into_iter().flatten().map(|(_, position)| *position)
    }

    /// Live contacts in order of id, after a position.
    pub fn live_after(&self, after: Option<Position>, archived: bool) -> impl Iterator<Item = Position> + '_ {
        let start = after.map_or(0, |position| position.saturating_add(1));
        self.slots
            .iter()
            .zip(0..)
            .skip(start as usize)
            .filter(move |(slot, _)| slot.archived == archived)
            .map(|(_, position)| position)
    }

    /// The text of a property, or none when unset.
    pub fn value(&self, position: Position, property: PropertyIndex) -> Option<String> {
        let slot = self.slot(position)?;
        match property {
            CREATEDATE => return Some(iso_millis(slot.created)),
            LASTMODIFIEDDATE => return Some(iso_millis(slot.modified)),
            OBJECT_ID => return Some(Self::id(position).to_string()),
            _ => {}
        }
        if let Some(edit) = self.edits.get(&position).and_then(|edits| edits.get(&property)) {
            return edit.as_deref().map(str::to_owned);
        }
        if (position as usize) < self.seeded {
            seed::value(self.seed, position, slot.version, property)
        } else {
            None
        }
    }

    /// Notes that a client read at this moment, so that later changes get later times.
    pub fn note_read(&mut self, now: i64) {
        self.watermark = self.watermark.max(now);
    }

    /// Creates a contact.
    pub fn create(&mut self, writes: Writes<'_>, now: i64, changes: &mut Vec<Change>) -> Result<Position, WriteError> {
        let checked = self.check(writes, None)?;
        let position = Position::try_from(self.slots.len()).unwrap_or(Position::MAX);
        self.slots.push(Slot {
            created: now,
            modified: now,
            version: 0,
            archived: false,
        });
        self.by_modified.insert((now, position));
        self.apply(position, checked);
        changes.push(Change::Created(position));
        Ok(position)
    }

    /// Writes properties of a live contact.
    pub fn update(
        &mut self,
        position: Position,
        writes: Writes<'_>,
        now: i64,
        changes: &mut Vec<Change>,
    ) -> Result<(), WriteError> {
        let checked = self.check(writes, Some(position))?;
        for (property, value) in &checked {
            let text = value.as_deref().unwrap_or_default().to_owned();
            changes.push(Change::Property(position, properties::get(*property).name, text));
        }
        self.apply(position, checked);
        self.touch(position, now);
        Ok(())
    }

    /// Archives a contact; false when it is not live.
    pub fn archive(&mut self, position: Position, changes: &mut Vec<Change>) -> bool {
        let Some(slot) = self.slots.get_mut(position as usize).filter(|slot| !slot.archived) else {
            return false;
        };
        slot.archived = true;
        let modified = slot.modified;
        self.by_modified.remove(&(modified, position));
        changes.push(Change::Deleted(position));
        true
    }

    /// Modifies `count` contacts, chosen by the seed, with times after everything that clients have seen and up to
    /// `now`; all the same time when asked. Returns the first and the last time given.
    pub fn modify_many(&mut self, count: usize, same_ms: bool, now: i64, changes: &mut Vec<Change>) -> (i64, i64) {
        let chosen = self.choose(count);
        let last = now.max(self.watermark + 1);
        let first = if same_ms { last } else { (self.watermark + 1).min(last) };
        let steps = i64::try_from(chosen.len().saturating_sub(1)).unwrap_or(0).max(1);
        for (step, position) in (0_i64..).zip(&chosen) {
            let at = first + (last - first) * step / steps;
            if let Some(slot) = self.slots.get_mut(*position as usize) {
                slot.version += 1;
            }
            if let Some(edits) = self.edits.get_mut(position) {
                // A written job title would hide the modification.
                edits.remove(&properties::JOBTITLE);
            }
            self.touch(*position, at);
            let title = self.value(*position, properties::JOBTITLE).unwrap_or_default();
            changes.push(Change::Property(*position, "jobtitle", title));
        }
        self.watermark = self.watermark.max(last);
        (first, last)
    }

    /// Archives `count` contacts, chosen by the seed; returns them.
    pub fn delete_many(&mut self, count: usize, changes: &mut Vec<Change>) -> Vec<Position> {
        let chosen = self.choose(count);
        for position in &chosen {
            self.archive(*position, changes);
        }
        chosen
    }

    /// `count` live contacts (all of them when there are fewer), spread over the account.
    fn choose(&mut self, count: usize) -> Vec<Position> {
        self.bulk_changes += 1;
        let total = self.slots.len() as u64;
        if total == 0 {
            return Vec::new();
        }
        let start = mix3(self.seed, self.bulk_changes, 0x57A7) % total;
        let mut stride = (mix3(self.seed, self.bulk_changes, 0x57E9) % total) | 1;
        while gcd(stride, total) != 1 {
            stride += 1;
        }
        let mut chosen = Vec::with_capacity(count.min(self.live()));
        let mut at = start;
        for _ in 0..total {
            if chosen.len() == count {
                break;
            }
            let position = Position::try_from(at).unwrap_or(0);
            if self.slot(position).is_some_and(|slot| !slot.archived) {
                chosen.push(position);
            }
            at = (at + stride) % total;
        }
        chosen
    }

    fn touch(&mut self, position: Position, at: i64) {
        let Some(slot) = self.slots.get_mut(position as usize) else {
            return;
        };
        let before = slot.modified;
        slot.modified = at.max(before);
        let after = slot.modified;
        self.by_modified.remove(&(before, position));
        self.by_modified.insert((after, position));
    }

    fn check(&self, writes: Writes<'_>, own: Option<Position>) -> Result<Checked, WriteError> {
        let mut checked = Vec::with_capacity(writes.len());
        let mut wrong = Vec::new();
        for (name, value) in writes {
            let Some(property) = properties::find(name) else {
                wrong.push((
                    name.clone(),
                    "PROPERTY_DOESNT_EXIST",
                    format!("Property \"{name}\" does not exist"),
                ));
                continue;
            };
            let definition = properties::get(property);
            if definition.read_only {
                wrong.push((
                    name.clone(),
                    "READ_ONLY_VALUE",
                    format!("\"{name}\" is a read only property; its value cannot be set."),
                ));
                continue;
            }
            let text = match value {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            if definition.kind == properties::Kind::Email && !text.is_empty() && !plausible_email(&text) {
                wrong.push((
                    name.clone(),
                    "INVALID_EMAIL",
                    format!("Email address {text} is invalid"),
                ));
                continue;
            }
            if definition.kind == properties::Kind::Number && !text.is_empty() && text.parse::<f64>().is_err() {
                wrong.push((
                    name.clone(),
                    "INVALID_DOUBLE",
                    format!("{text} was not a valid number."),
                ));
                continue;
            }
            checked.push((property, (!text.is_empty()).then(|| text.into_boxed_str())));
        }
        if !wrong.is_empty() {
            return Err(WriteError::Invalid(wrong));
        }
        for (property, value) in &checked {
            if *property == EMAIL
                && let Some(email) = value
                && let Some(taken) = self.by_email(email)
                && own != Some(taken)
            {
                return Err(WriteError::EmailTaken(Self::id(taken)));
            }
        }
        Ok(checked)
    }

    fn apply(&mut self, position: Position, checked: Checked) {
        for (property, value) in checked {
            let value = if property == EMAIL {
                if let Some(before) = self.value(position, EMAIL) {
                    self.written_emails.remove(&before);
                }
                let lower = value.map(|email| email.to_lowercase().into_boxed_str());
                if let Some(email) = &lower {
                    self.written_emails.insert(email.to_string(), position);
                }
                lower
            } else {
                value
            };
            self.edits.entry(position).or_default().insert(property, value);
        }
    }
}

fn plausible_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains('.') && !domain.starts_with('.') && !text.contains(char::is_whitespace)
    })
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
