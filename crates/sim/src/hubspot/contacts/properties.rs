//! The contact properties that the simulated account has.

/// How a property's text is compared and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Free text, compared without regard to case.
    Text,
    /// An e-mail address, unique among contacts.
    Email,
    /// A decimal number.
    Number,
    /// A moment; epoch milliseconds in filters, ISO-8601 in answers.
    Moment,
}

/// One property definition.
#[derive(Debug)]
pub struct Property {
    /// Internal name.
    pub name: &'static str,
    /// Comparison.
    pub kind: Kind,
    /// Clients may not write it.
    pub read_only: bool,
}

/// Index into [`PROPERTIES`].
pub type PropertyIndex = u8;

const fn text(name: &'static str) -> Property {
    Property {
        name,
        kind: Kind::Text,
        read_only: false,
    }
}

const fn moment(name: &'static str) -> Property {
    Property {
        name,
        kind: Kind::Moment,
        read_only: true,
    }
}

/// `createdate`.
pub const CREATEDATE: PropertyIndex = 0;
/// `lastmodifieddate`.
pub const LASTMODIFIEDDATE: PropertyIndex = 1;
/// `hs_object_id`.
pub const OBJECT_ID: PropertyIndex = 2;
/// `email`.
pub const EMAIL: PropertyIndex = 3;
/// `firstname`.
pub const FIRSTNAME: PropertyIndex = 4;
/// `lastname`.
pub const LASTNAME: PropertyIndex = 5;
/// `phone`.
pub const PHONE: PropertyIndex = 6;
/// `company`.
pub const COMPANY: PropertyIndex = 7;
/// `jobtitle`.
pub const JOBTITLE: PropertyIndex = 8;
/// `city`.
pub const CITY: PropertyIndex = 9;
/// `country`.
pub const COUNTRY: PropertyIndex = 10;
/// `lifecyclestage`.
pub const LIFECYCLE: PropertyIndex = 11;
/// `hs_lead_status`.
pub const LEAD_STATUS: PropertyIndex = 12;
/// `website`.
pub const WEBSITE: PropertyIndex = 13;
/// `zip`.
pub const ZIP: PropertyIndex = 14;
/// `annualrevenue`.
pub const REVENUE: PropertyIndex = 15;
/// `hubspot_owner_id`.
pub const OWNER: PropertyIndex = 16;

/// All properties; the constants above are positions in this list.
pub const PROPERTIES: &[Property] = &[
    moment("createdate"),
    moment("lastmodifieddate"),
    Property {
        name: "hs_object_id",
        kind: Kind::Number,
        read_only: true,
    },
    Property {
        name: "email",
        kind: Kind::Email,
        read_only: false,
    },
    text("firstname"),
    text("lastname"),
    text("phone"),
    text("company"),
    text("jobtitle"),
    text("city"),
    text("country"),
    text("lifecyclestage"),
    text("hs_lead_status"),
    text("website"),
    text("zip"),
    Property {
        name: "annualrevenue",
        kind: Kind::Number,
        read_only: false,
    },
    text("hubspot_owner_id"),
    text("mobilephone"),
    text("address"),
    text("state"),
    text("salutation"),
    text("industry"),
    text("fax"),
    text("hs_language"),
    text("message"),
    text("twitterhandle"),
];

/// Properties that answers hold when none are asked for.
pub const DEFAULT_PROPERTIES: &[PropertyIndex] = &[CREATEDATE, EMAIL, FIRSTNAME, OBJECT_ID, LASTMODIFIEDDATE, LASTNAME];

/// Properties that answers always hold.
pub const ALWAYS: &[PropertyIndex] = &[CREATEDATE, OBJECT_ID, LASTMODIFIEDDATE];

/// Finds a property by its internal name.
pub fn find(name: &str) -> Option<PropertyIndex> {
    let position = PROPERTIES.iter().position(|property| property.name == name)?;
    PropertyIndex::try_from(position).ok()
}

/// The definition at an index; indexes only come from this module, others read as `createdate`.
pub fn get(index: PropertyIndex) -> &'static Property {
    PROPERTIES.get(usize::from(index)).unwrap_or(&PROPERTIES[0])
}

/// What a read should hold: the asked names that exist (unknown ones are ignored, as documented) and the ones that are
/// always there; the defaults when nothing is asked.
pub fn selection<'a>(asked: impl IntoIterator<Item = &'a str>) -> Vec<PropertyIndex> {
    let mut chosen: Vec<PropertyIndex> = Vec::new();
    let mut any = false;
    for name in asked {
        any = true;
        if let Some(index) = find(name)
            && !chosen.contains(&index)
        {
            chosen.push(index);
        }
    }
    if !any {
        return DEFAULT_PROPERTIES.to_vec();
    }
    for index in ALWAYS {
        if !chosen.contains(index) {
            chosen.push(*index);
        }
    }
    chosen
}
