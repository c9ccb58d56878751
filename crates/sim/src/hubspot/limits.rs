//! The documented quotas of one app in one account.
//!
//! * `TEN_SECONDLY_ROLLING`: 110 requests per rolling ten seconds for OAuth apps; search does not count here.
//! * `SECONDLY`: five searches per second and account. Search answers carry no rate-limit headers.
//! * `DAILY`: only for private apps, until midnight; switched on by a setting.

use axum::http::{HeaderMap, HeaderName, HeaderValue};

use super::config::Config;
use super::errors::ApiError;
use crate::window::{Admission, Peak, Quota};

const TEN_SECONDS_MS: i64 = 10_000;
const SECOND_MS: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// Which quota a request falls under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Everything but search.
    Ordinary,
    /// A CRM search.
    Search,
}

/// Quotas and the peaks that were seen.
#[derive(Debug)]
pub struct Limits {
    app_id: u64,
    hub_id: u64,
    ten_secondly: Quota,
    searches: Quota,
    daily: Option<Daily>,
    /// Requests of any class that arrived, refused ones too.
    pub arrivals_10s: Peak,
    /// Searches that arrived, refused ones too.
    pub searches_1s: Peak,
}

#[derive(Debug)]
struct Daily {
    max: usize,
    day: i64,
    used: usize,
}

impl Limits {
    /// Fresh quotas.
    pub fn new(config: &Config) -> Self {
        Self {
            app_id: config.app_id,
            hub_id: config.hub_id,
            ten_secondly: Quota::new(config.quota_per_10s, TEN_SECONDS_MS),
            searches: Quota::new(config.searches_per_second, SECOND_MS),
            daily: config.daily.map(|max| Daily { max, day: 0, used: 0 }),
            arrivals_10s: Peak::new(TEN_SECONDS_MS),
            searches_1s: Peak::new(SECOND_MS),
        }
    }

    /// Counts an arrival and asks every quota that applies.
    pub fn admit(&mut self, class: Class, now_ms: i64) -> Result<(), ApiError> {
        if class == Class::Search {
            self.searches_1s.note(now_ms);
        } else {
            self.arrivals_10s.note(now_ms);
        }
        if let Some(daily) = &mut self.daily {
            let day = now_ms.div_euclid(DAY_MS);
            if daily.day != day {
                (daily.day, daily.used) = (day, 0);
            }
            if daily.used >= daily.max {
                return Err(ApiError::rate_limited(
                    "DAILY",
                    format!("publicapi:app-api-calls-daily:{}", self.hub_id),
                ));
            }
        }
        let (quota, policy) = match class {
            Class::Search => (&mut self.searches, "SECONDLY"),
            Class::Ordinary => (&mut self.ten_secondly, "TEN_SECONDLY_ROLLING"),
        };
        match quota.hit(now_ms) {
            Admission::Admitted { .. } => {
                if let Some(daily) = &mut self.daily {
                    daily.used += 1;
                }
                Ok(())
            }
            Admission::Refused { .. } => Err(self.refusal(policy)),
        }
    }

    /// Ordinary requests in the rolling window, and how many it holds.
    pub fn used(&self, now_ms: i64) -> (usize, usize) {
        (
            self.ten_secondly.recent(now_ms, TEN_SECONDS_MS),
            self.ten_secondly.max(),
        )
    }

    /// The 429 of a policy.
    pub fn refusal(&self, policy: &str) -> ApiError {
        let group = match policy {
            "SECONDLY" => format!("publicapi:crm:search:secondly:{}", self.hub_id),
            _ => format!("publicapi:app-api-calls-ten-secondly:{}:{}", self.app_id, self.hub_id),
        };
        ApiError::rate_limited(policy, group)
    }

    /// The headers of an answer, as the vendor documents them: none on search, daily ones only with a daily quota. The
    /// `Secondly` pair is deprecated there but still sent; it is a tenth of the burst quota and is not enforced.
    pub fn headers(&self, class: Class, now_ms: i64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if class == Class::Search {
            return headers;
        }
        let max = self.ten_secondly.max();
        let used = self.ten_secondly.recent(now_ms, TEN_SECONDS_MS);
        let secondly = (max / 10).max(1);
        let used_secondly = self.ten_secondly.recent(now_ms, SECOND_MS);
        let mut put = |name: &'static str, value: usize| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(value));
        };
        put("x-hubspot-ratelimit-max", max);
        put("x-hubspot-ratelimit-remaining", max.saturating_sub(used));
        put("x-hubspot-ratelimit-interval-milliseconds", 10_000);
        put("x-hubspot-ratelimit-secondly", secondly);
        put(
            "x-hubspot-ratelimit-secondly-remaining",
            secondly.saturating_sub(used_secondly),
        );
        if let Some(daily) = &self.daily {
            put("x-hubspot-ratelimit-daily", daily.max);
            put(
                "x-hubspot-ratelimit-daily-remaining",
                daily.max.saturating_sub(daily.used),
            );
        }
        headers
    }
}
