//! Contacts that exist without being stored: every value is a function of the seed, the position and the number of
//! modifications.

use super::properties::{
    CITY, COMPANY, COUNTRY, EMAIL, FIRSTNAME, JOBTITLE, LASTNAME, LEAD_STATUS, LIFECYCLE, OWNER, PHONE, PropertyIndex,
    REVENUE, WEBSITE, ZIP,
};
use crate::hash::mix3;

/// 2023-01-01T00:00:00Z: the first contact was created here.
pub const FIRST_CREATED_MS: i64 = 1_672_531_200_000;
/// 2025-06-01T00:00:00Z: no seeded contact was created or modified later.
pub const ANCHOR_MS: i64 = 1_748_736_000_000;

const FIRST: [&str; 40] = [
    "Ada", "Amara", "Anders", "Aoife", "Arjun", "Beatriz", "Carlos", "Chidi", "Clara", "Dmitri", "Elif", "Emeka",
    "Fatima", "Finn", "Grace", "Hana", "Henrik", "Ines", "Ivan", "Jamal", "Jun", "Katarina", "Kofi", "Lena", "Liam",
    "Lucia", "Marek", "Mei", "Nadia", "Noah", "Olga", "Omar", "Priya", "Rafael", "Sofia", "Tariq", "Thandi", "Viktor",
    "Yara", "Zoë",
];
const LAST: [&str; 40] = [
    "Abara",
    "Almeida",
    "Andersson",
    "Bauer",
    "Brandt",
    "Byrne",
    "Castillo",
    "Chen",
    "Costa",
    "Dubois",
    "Eriksen",
    "Fischer",
    "Garcia",
    "Haddad",
    "Horvat",
    "Ito",
    "Jansen",
    "Kaya",
    "Keller",
    "Kowalski",
    "Lindqvist",
    "Mbeki",
    "Moreau",
    "Nakamura",
    "Novak",
    "O'Neill",
    "Okafor",
    "Patel",
    "Popescu",
    "Quist",
    "Rossi",
    "Santos",
    "Schmidt",
    "Silva",
    "Tanaka",
    "Usman",
    "Vargas",
    "Weber",
    "Yilmaz",
    "Zhang",
];
const COMPANIES: [&str; 24] = [
    "Alder", "Birch", "Cedar", "Dogwood", "Elm", "Fir", "Ginkgo", "Hazel", "Ironwood", "Juniper", "Katsura", "Larch",
    "Maple", "Nutmeg", "Oak", "Pine", "Quince", "Rowan", "Spruce", "Teak", "Ulmo", "Viburnum", "Willow", "Yew",
];
const TRADES: [&str; 8] = [
    "Analytics",
    "Foods",
    "Freight",
    "Health",
    "Labs",
    "Logistics",
    "Robotics",
    "Works",
];
const JOBS: [&str; 12] = [
    "Account manager",
    "Analyst",
    "Buyer",
    "Chief of staff",
    "Designer",
    "Engineer",
    "Finance lead",
    "Founder",
    "Head of sales",
    "Marketing manager",
    "Operations lead",
    "Support lead",
];
const CITIES: [(&str, &str); 12] = [
    ("Accra", "Ghana"),
    ("Berlin", "Germany"),
    ("Bogotá", "Colombia"),
    ("Cork", "Ireland"),
    ("İzmir", "Türkiye"),
    ("Kraków", "Poland"),
    ("Lyon", "France"),
    ("Nairobi", "Kenya"),
    ("Osaka", "Japan"),
    ("Porto", "Portugal"),
    ("Pune", "India"),
    ("São Paulo", "Brazil"),
];
const STAGES: [&str; 6] = [
    "subscriber",
    "lead",
    "marketingqualifiedlead",
    "salesqualifiedlead",
    "opportunity",
    "customer",
];
const LEADS: [&str; 6] = [
    "NEW",
    "OPEN",
    "IN_PROGRESS",
    "CONNECTED",
    "UNQUALIFIED",
    "ATTEMPTED_TO_CONTACT",
];

fn pick<T: Copy>(list: &[T], word: u64, otherwise: T) -> T {
    let position = usize::try_from(word % (list.len().max(1) as u64)).unwrap_or(0);
    list.get(position).copied().unwrap_or(otherwise)
}

/// The value of a property of the contact at `position`, after `version` modifications.
pub fn value(seed: u64, position: u32, version: u32, property: PropertyIndex) -> Option<String> {
    let word = |purpose: u64| mix3(seed, u64::from(position), purpose);
    let first = || pick(&FIRST, word(1), "Ada");
    let last = || pick(&LAST, word(2), "Abara");
    let company = || (pick(&COMPANIES, word(3), "Oak"), pick(&TRADES, word(4), "Works"));
    let place = || pick(&CITIES, word(6), ("Cork", "Ireland"));
    match property {
        EMAIL => {
            let (name, trade) = company();
            Some(format!(
                "{}.{}.{position}@{}-{}.example",
                ascii_lower(first()),
                ascii_lower(last()),
                ascii_lower(name),
                ascii_lower(trade)
            ))
        }
        FIRSTNAME => Some(first().to_owned()),
        LASTNAME => Some(last().to_owned()),
        // One in ten has no phone number, so that HAS_PROPERTY means something.
        PHONE => (word(5) % 10 != 0).then(|| format!("+1555{:07}", word(5) / 10 % 10_000_000)),
        COMPANY => {
            let (name, trade) = company();
            Some(format!("{name} {trade}"))
        }
        WEBSITE => {
            let (name, trade) = company();
            Some(format!("https://{}-{}.example", ascii_lower(name), ascii_lower(trade)))
        }
        CITY => Some(place().0.to_owned()),
        COUNTRY => Some(place().1.to_owned()),
        ZIP => Some(format!("{:05}", word(7) % 100_000)),
        REVENUE => (word(8) % 3 == 0).then(|| (word(8) / 3 % 5_000 * 1_000).to_string()),
        OWNER => (word(9) % 4 != 0).then(|| (40_000_000 + word(9) % 12).to_string()),
        LIFECYCLE => Some(pick(&STAGES, word(10), "lead").to_owned()),
        // What modifications change.
        JOBTITLE => {
            let job = pick(
                &JOBS,
                mix3(seed, u64::from(position), 0x10B + u64::from(version)),
                "Analyst",
            );
            Some(if version == 0 {
                job.to_owned()
            } else {
                format!("{job} (rev {version})")
            })
        }
        LEAD_STATUS => Some(
            pick(
                &LEADS,
                mix3(seed, u64::from(position), 0x1EAD + u64::from(version)),
                "NEW",
            )
            .to_owned(),
        ),
        _ => None,
    }
}

/// When the contact at `position` of `count` was created: evenly over the years before the anchor.
pub fn created_ms(position: usize, count: usize) -> i64 {
    let span = i128::from(ANCHOR_MS - FIRST_CREATED_MS);
    let offset = span * position as i128 / (count.max(1) as i128);
    FIRST_CREATED_MS + i64::try_from(offset).unwrap_or(0)
}

/// When it was last modified: anywhere between its creation and the anchor.
pub fn modified_ms(seed: u64, position: u32, created: i64) -> i64 {
    let room = u64::try_from(ANCHOR_MS - created).unwrap_or(0).max(1);
    created + i64::try_from(mix3(seed, u64::from(position), 11) % room).unwrap_or(0)
}

/// The position that a seeded address names, if it has that form; the caller compares the whole address.
pub fn position_in_email(email: &str) -> Option<u32> {
    email.split_once('@')?.0.rsplit_once('.')?.1.parse().ok()
}

fn ascii_lower(text: &str) -> String {
    text.chars()
        .filter_map(|letter| match letter {
            'ë' => Some('e'),
            '\'' => None,
            other => Some(other.to_ascii_lowercase()),
        })
        .collect()
}
