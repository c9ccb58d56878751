//! The only way out: address policy, limits, retries, redirects, rate governor
