//! Contacts, list and search, with the properties that make syncing them hard: a search cap, times in
//! milliseconds, and contacts that change between two requests.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What happens behind the function's back; called with the number of requests so far.
pub type Hook = Box<dyn FnMut(&mut Hubspot, i64) + Send>;

#[derive(Debug, Clone)]
pub struct Contact {
    email: String,
    first_name: String,
    modified: i64,
    archived: bool,
    version: u32,
}

pub struct Hubspot {
    contacts: BTreeMap<i64, Contact>,
    /// The clock of HubSpot, milliseconds.
    pub now: i64,
    pub lists: i64,
    pub searches: i64,
    /// Contacts returned by the search.
    pub returned: usize,
    /// Searches refused for the cap.
    pub refused: usize,
    pub after_list: Option<Hook>,
    pub after_search: Option<Hook>,
}

const CAP: usize = 10_000;

impl Hubspot {
    /// Contacts 1 to `count`, changed long ago, some in the same millisecond.
    pub fn with_contacts(count: i64) -> Self {
        let mut hubspot = Self {
            contacts: BTreeMap::new(),
            now: 1_700_000_000_000,
            lists: 0,
            searches: 0,
            returned: 0,
            refused: 0,
            after_list: None,
            after_search: None,
        };
        for id in 1..=count {
            hubspot.contacts.insert(
                id,
                Contact {
                    email: format!("contact{id}@example.com"),
                    first_name: format!("First{id}"),
                    modified: 1_600_000_000_000 + id / 3,
                    archived: false,
                    version: 0,
                },
            );
        }
        hubspot
    }

    pub fn touch(&mut self, id: i64) {
        let now = self.now;
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.modified = now;
            contact.version += 1;
        }
    }

    pub fn create(&mut self) -> i64 {
        let id = self.contacts.keys().last().map_or(1, |last| last + 1);
        let email = format!("contact{id}@example.com");
        self.insert(id, email, String::new());
        id
    }

    fn insert(&mut self, id: i64, email: String, first_name: String) {
        let modified = self.now;
        self.contacts.insert(
            id,
            Contact {
                email,
                first_name,
                modified,
                archived: false,
                version: 0,
            },
        );
    }

    pub fn archive(&mut self, id: i64) {
        if let Some(contact) = self.contacts.get_mut(&id) {
            contact.archived = true;
        }
    }

    /// Id and version of every live contact.
    pub fn live(&self) -> BTreeMap<String, String> {
        self.contacts
            .iter()
            .filter(|(_, contact)| !contact.archived)
            .map(|(id, contact)| (id.to_string(), contact.version.to_string()))
            .collect()
    }

    /// Answers a request with a status and a body.
    pub fn answer(&mut self, method: &str, path: &str, params: &BTreeMap<String, String>, body: &str) -> (u16, Value) {
        match (method, path) {
            ("GET", "/crm/v3/objects/contacts") => self.list(params),
            ("POST", "/crm/v3/objects/contacts/search") => self.search(&serde_json::from_str(body).unwrap()),
            ("POST", "/crm/v3/objects/contacts") => self.write(&serde_json::from_str(body).unwrap()),
            _ => (404, json!({ "message": "no such path" })),
        }
    }

    fn list(&mut self, params: &BTreeMap<String, String>) -> (u16, Value) {
        let archived = params.get("archived").is_some_and(|text| text == "true");
        let limit: usize = params.get("limit").unwrap().parse().unwrap();
        assert!(limit <= 100);
        let after: i64 = params.get("after").map_or(0, |text| text.parse().unwrap());
        let mut page: Vec<i64> = self
            .contacts
            .range(after + 1..)
            .filter(|(_, contact)| contact.archived == archived)
            .map(|(id, _)| *id)
            .take(limit + 1)
            .collect();
        let more = page.len() > limit;
        page.truncate(limit);
        let mut answer = json!({ "results": self.render(&page) });
        if more {
            answer["paging"] = json!({ "next": { "after": page.last().unwrap().to_string() } });
        }
        self.lists += 1;
        if let (false, Some(mut hook)) = (archived, self.after_list.take()) {
            hook(self, self.lists);
            self.after_list = Some(hook);
        }
        (200, answer)
    }

    fn search(&mut self, request: &Value) -> (u16, Value) {
        let limit = request["limit"].as_u64().unwrap() as usize;
        let after = request["after"]
            .as_str()
            .map_or(0, |text| text.parse::<usize>().unwrap());
        assert!(limit <= 200);
        self.searches += 1;
        if after + limit > CAP {
            self.refused += 1;
            return (400, json!({ "message": "limited to 10000 total results" }));
        }
        let filters = request["filterGroups"][0]["filters"].as_array().unwrap();
        let mut found: Vec<(i64, i64)> = self
            .contacts
            .iter()
            .filter(|(_, contact)| !contact.archived)
            .map(|(id, contact)| (contact.modified, *id))
            .filter(|(modified, id)| filters.iter().all(|filter| matches(filter, *modified, *id)))
            .collect();
        match request["sorts"][0]["propertyName"].as_str().unwrap() {
            // Among equals the order is not promised: here it is the reverse of the useful one.
            "lastmodifieddate" => found.sort_by_key(|(modified, id)| (*modified, -id)),
            "hs_object_id" => found.sort_by_key(|(_, id)| *id),
            other => panic!("sorted by {other}"),
        }
        let total = found.len();
        let page: Vec<i64> = found.into_iter().skip(after).take(limit).map(|(_, id)| id).collect();
        self.returned += page.len();
        let answer = json!({ "total": total, "results": self.render(&page) });
        if let Some(mut hook) = self.after_search.take() {
            hook(self, self.searches);
            self.after_search = Some(hook);
        }
        (200, answer)
    }

    fn write(&mut self, body: &Value) -> (u16, Value) {
        let email = body["properties"]["email"].as_str().unwrap().to_owned();
        if email.starts_with("fail") {
            return (500, json!({ "message": "internal error" }));
        }
        if let Some((id, _)) = self.contacts.iter().find(|(_, contact)| contact.email == email) {
            return (
                409,
                json!({ "message": format!("Contact already exists. Existing ID: {id}"), "category": "CONFLICT" }),
            );
        }
        let id = self.create();
        let first_name = body["properties"]["firstname"].as_str().unwrap_or("").to_owned();
        self.insert(id, email, first_name);
        (201, self.render(&[id]).remove(0))
    }

    fn render(&self, ids: &[i64]) -> Vec<Value> {
        ids.iter()
            .map(|id| {
                let contact = &self.contacts[id];
                json!({
                    "id": id.to_string(),
                    "properties": {
                        "email": contact.email,
                        "firstname": contact.first_name,
                        "company": contact.version.to_string(),
                        "lastmodifieddate": iso(contact.modified),
                    },
                    "createdAt": iso(1_500_000_000_000),
                    "updatedAt": iso(contact.modified),
                    "archived": contact.archived,
                })
            })
            .collect()
    }

    /// The `Date` header: whole seconds.
    pub fn date(&self) -> String {
        let text = iso(self.now);
        format!("{}Z", &text[..19])
    }
}

fn matches(filter: &Value, modified: i64, id: i64) -> bool {
    let value = match filter["propertyName"].as_str().unwrap() {
        "lastmodifieddate" => modified,
        "hs_object_id" => id,
        other => panic!("filtered by {other}"),
    };
    let operand: i64 = filter["value"].as_str().unwrap().parse().unwrap();
    match filter["operator"].as_str().unwrap() {
        "EQ" => value == operand,
        "GT" => value > operand,
        "GTE" => value >= operand,
        other => panic!("operator {other}"),
    }
}

/// Milliseconds since 1970 as `2024-05-01T10:00:00.123Z` (civil-from-days, for years after 1970).
fn iso(ms: i64) -> String {
    let (days, rest) = (ms.div_euclid(86_400_000), ms.rem_euclid(86_400_000));
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let (hour, minute, second, milli) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1_000 % 60, rest % 1_000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{milli:03}Z")
}
