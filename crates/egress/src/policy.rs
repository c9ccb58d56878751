//! Which destinations are allowed.

use std::net::IpAddr;

use url::{Host, Url};

use crate::address::{AddressClass, classify};
use crate::error::{Error, RefusedReason};

/// Hosts that are refused unless they are allowed by name: this machine and the metadata services of clouds.
const DENIED_NAMES: &[&str] = &[
    "localhost",
    "metadata.google.internal",
    "metadata.goog",
    "instance-data",
];

/// The rules for destinations. The default allows the public internet and nothing else.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    /// Allows loopback and private networks, for providers inside the operator's own network and for tests.
    /// Link-local addresses, where clouds keep their metadata services, stay refused.
    pub allow_private: bool,
    /// Hosts that are allowed whatever they resolve to: `intranet.example`, `*.corp.example`, `10.1.2.3`.
    pub allow_hosts: Vec<String>,
    /// Hosts that are refused whatever they resolve to; same forms.
    pub deny_hosts: Vec<String>,
}

/// What is still to be judged about a destination whose name passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Allowed by name: its addresses are not judged.
    AllowedByName,
    /// Every address has to pass [`Policy::check_address`].
    JudgeAddresses,
}

impl Policy {
    /// The rules of a test or a development machine: everything but link-local.
    pub fn permissive() -> Self {
        Self {
            allow_private: true,
            ..Self::default()
        }
    }

    /// Judges everything about a URL that can be judged without asking DNS.
    ///
    /// # Errors
    /// [`Error::Refused`] with the rule that forbids it.
    pub fn check_url(&self, url: &Url) -> Result<(), Error> {
        self.judge(url).map(|_| ())
    }

    /// Judges a URL's scheme and host name; a literal address is judged completely.
    pub(crate) fn judge(&self, url: &Url) -> Result<Verdict, Error> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(url.host_str().unwrap_or_default(), RefusedReason::Scheme));
        }
        let Some(host) = url.host() else {
            return Err(refused("", RefusedReason::NoHost));
        };
        let name = host_name(&host);
        if self.deny_hosts.iter().any(|pattern| matches_host(pattern, &name)) {
            return Err(refused(&name, RefusedReason::DeniedHost));
        }
        if self.allow_hosts.iter().any(|pattern| matches_host(pattern, &name)) {
            return Ok(Verdict::AllowedByName);
        }
        match host {
            Host::Ipv4(address) => self.check_address(&name, IpAddr::V4(address))?,
            Host::Ipv6(address) => self.check_address(&name, IpAddr::V6(address))?,
            Host::Domain(_) => {
                let local = name == "localhost" || name.ends_with(".localhost");
                if (local && !self.allow_private) || (!local && DENIED_NAMES.contains(&name.as_str())) {
                    return Err(refused(&name, RefusedReason::DeniedHost));
                }
            }
        }
        Ok(Verdict::JudgeAddresses)
    }

    /// Judges one address that `host` is or resolved to.
    pub(crate) fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Error> {
        let allowed = match classify(address) {
            AddressClass::Public => true,
            AddressClass::Loopback | AddressClass::Private => self.allow_private,
            AddressClass::LinkLocal | AddressClass::Reserved => false,
        };
        if allowed {
            Ok(())
        } else {
            Err(refused(host, RefusedReason::Address))
        }
    }
}

/// A host in the form in which hosts are compared: lower case, no brackets, no trailing dots.
fn host_name(host: &Host<&str>) -> String {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').to_ascii_lowercase(),
        Host::Ipv4(address) => address.to_string(),
        Host::Ipv6(address) => address.to_string(),
    }
}

/// Whether a host matches `example.com`, or `*.example.com` for the names below it, or `*`.
pub(crate) fn matches_host(pattern: &str, host: &str) -> bool {
    let pattern = pattern
        .trim()
        .trim_end_matches('.')
        .trim_start_matches('[')
        .trim_end_matches(']');
    if pattern == "*" {
        return true;
    }
    match pattern.strip_prefix("*.") {
        Some(parent) => {
            host.len() > parent.len() + 1
                && host.as_bytes().get(host.len() - parent.len() - 1) == Some(&b'.')
                && host
                    .get(host.len() - parent.len()..)
                    .is_some_and(|end| end.eq_ignore_ascii_case(parent))
        }
        None => host.eq_ignore_ascii_case(pattern),
    }
}

/// Refuses a host that a request's own allow list does not name.
pub(crate) fn check_allowed(hosts: &[String], url: &Url) -> Result<(), Error> {
    let name = url.host().map(|host| host_name(&host)).unwrap_or_default();
    if hosts.iter().any(|pattern| matches_host(pattern, &name)) {
        return Ok(());
    }
    Err(refused(&name, RefusedReason::NotAllowed))
}

fn refused(host: &str, reason: RefusedReason) -> Error {
    Error::Refused {
        host: host.to_owned(),
        reason,
    }
}
