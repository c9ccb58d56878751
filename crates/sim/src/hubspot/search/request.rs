//! The body of a search request and its documented limits.

use serde_json::Value;

use super::Sort;
use super::filter::Filter;
use crate::hubspot::contacts::properties::{self, PropertyIndex};
use crate::hubspot::errors::ApiError;

/// Objects on one page.
pub const PAGE_MAX: usize = 200;
/// Objects on a page when the request does not say.
pub const PAGE_DEFAULT: usize = 10;
/// Groups of a query.
pub const GROUPS_MAX: usize = 5;
/// Filters of one group.
pub const GROUP_FILTERS_MAX: usize = 6;
/// Filters of all groups.
pub const FILTERS_MAX: usize = 18;
/// Characters of a request body.
pub const BODY_MAX: usize = 3_000;

/// A search that keeps the limits.
#[derive(Debug)]
pub struct SearchRequest {
    /// Groups are alternatives, the filters of one group must all match.
    pub groups: Vec<Vec<Filter>>,
    /// Lower-cased free text.
    pub query: Option<String>,
    /// Order.
    pub sort: Sort,
    /// Page size.
    pub limit: usize,
    /// Results to skip.
    pub after: usize,
    /// Properties to return.
    pub properties: Vec<PropertyIndex>,
}

impl SearchRequest {
    /// Reads a body.
    pub fn parse(body: &[u8]) -> Result<Self, ApiError> {
        if body.len() > BODY_MAX {
            return Err(ApiError::invalid(format!(
                "The request body exceeds the maximum of {BODY_MAX} characters."
            )));
        }
        let value: Value = if body.is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            serde_json::from_slice(body).map_err(|error| ApiError::invalid(format!("Invalid input JSON: {error}")))?
        };
        let object = value
            .as_object()
            .ok_or_else(|| ApiError::invalid("Invalid input JSON: expected an object"))?;
        let asked: Vec<&str> = object
            .get("properties")
            .and_then(Value::as_array)
            .map(|names| names.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default();
        Ok(Self {
            groups: groups(object.get("filterGroups"), object.get("filters"))?,
            query: object
                .get("query")
                .and_then(Value::as_str)
                .map(str::to_lowercase)
                .filter(|query| !query.trim().is_empty()),
            sort: sort(object.get("sorts"))?,
            limit: whole(object.get("limit"), "limit")?.map_or(Ok(PAGE_DEFAULT), |limit| {
                if (1..=PAGE_MAX).contains(&limit) {
                    Ok(limit)
                } else {
                    Err(ApiError::invalid(format!("limit must be between 1 and {PAGE_MAX}")))
                }
            })?,
            after: whole(object.get("after"), "after")?.unwrap_or(0),
            properties: properties::selection(asked),
        })
    }
}

fn groups(groups: Option<&Value>, filters: Option<&Value>) -> Result<Vec<Vec<Filter>>, ApiError> {
    let mut read = Vec::new();
    let read_filters = |list: &Value| -> Result<Vec<Filter>, ApiError> {
        let list = list
            .as_array()
            .ok_or_else(|| ApiError::invalid("filters must be a list"))?;
        if list.len() > GROUP_FILTERS_MAX {
            return Err(ApiError::invalid(format!(
                "A filter group may have at most {GROUP_FILTERS_MAX} filters."
            )));
        }
        list.iter().map(Filter::parse).collect()
    };
    if let Some(groups) = groups.filter(|groups| !groups.is_null()) {
        let groups = groups
            .as_array()
            .ok_or_else(|| ApiError::invalid("filterGroups must be a list"))?;
        if groups.len() > GROUPS_MAX {
            return Err(ApiError::invalid(format!(
                "A search may have at most {GROUPS_MAX} filter groups."
            )));
        }
        for group in groups {
            let filters = group
                .get("filters")
                .ok_or_else(|| ApiError::invalid("a filter group needs filters"))?;
            read.push(read_filters(filters)?);
        }
    }
    // A bare list of filters is accepted as one group.
    if let Some(filters) = filters.filter(|filters| !filters.is_null()) {
        read.push(read_filters(filters)?);
    }
    if read.iter().map(Vec::len).sum::<usize>() > FILTERS_MAX {
        return Err(ApiError::invalid(format!(
            "A search may have at most {FILTERS_MAX} filters."
        )));
    }
    Ok(read)
}

fn sort(sorts: Option<&Value>) -> Result<Sort, ApiError> {
    let Some(sorts) = sorts.and_then(Value::as_array).filter(|sorts| !sorts.is_empty()) else {
        return Ok(Sort::Created { descending: false });
    };
    let [sort] = sorts.as_slice() else {
        return Err(ApiError::invalid("Only one sort is supported."));
    };
    let (name, descending) = match sort {
        Value::String(name) => match name.strip_prefix('-') {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        },
        other => {
            let name = other.get("propertyName").and_then(Value::as_str).unwrap_or_default();
            let direction = other.get("direction").and_then(Value::as_str).unwrap_or("ASCENDING");
            match direction {
                "ASCENDING" => (name, false),
                "DESCENDING" => (name, true),
                other => return Err(ApiError::invalid(format!("Invalid sort direction `{other}`"))),
            }
        }
    };
    let property = properties::find(name)
        .ok_or_else(|| ApiError::invalid(format!("Property with name `{name}` does not exist")))?;
    Ok(Sort::by(property, descending))
}

fn whole(value: Option<&Value>, name: &str) -> Result<Option<usize>, ApiError> {
    let bad = || ApiError::invalid(format!("{name} must be a whole number"));
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Number(number)) => {
            let whole = number.as_u64().and_then(|number| usize::try_from(number).ok());
            whole.map(Some).ok_or_else(bad)
        }
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => text.parse().map(Some).map_err(|_| bad()),
        Some(_) => Err(bad()),
    }
}
