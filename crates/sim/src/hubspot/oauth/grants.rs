//! Codes, grants and tokens: the state behind the OAuth endpoints, without HTTP.

use std::collections::HashMap;

use ring::digest;

use crate::hash::hex_text;
use crate::hubspot::config::Config;

/// Codes are exchanged within ten minutes.
const CODE_TTL_MS: i64 = 600_000;
/// Access tokens are kept this long after expiry, to say "expired" and not "unknown".
const REMEMBER_EXPIRED_MS: i64 = 3_600_000;

/// What the user agreed to.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Where the code goes; must be repeated at the exchange.
    pub redirect_uri: String,
    /// Granted scopes; empty grants everything.
    pub scopes: Vec<String>,
    /// PKCE challenge and method (`S256` or `plain`), when the client sent one.
    pub challenge: Option<(String, String)>,
}

/// Tokens as they are handed out.
#[derive(Debug, Clone)]
pub struct Tokens {
    /// Bearer token.
    pub access: String,
    /// Refresh token; the same as before unless rotation is on.
    pub refresh: String,
    /// Granted scopes.
    pub scopes: Vec<String>,
}

/// Why an exchange or a refresh is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Unknown, used or expired code.
    Code,
    /// The redirect URL differs from the one of the authorize request.
    RedirectUri,
    /// The PKCE verifier does not fit the challenge.
    Verifier,
    /// Unknown, revoked or replaced refresh token.
    RefreshToken,
}

/// What an access token may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Go on.
    Allowed,
    /// Never issued, revoked or long gone.
    Unknown,
    /// Was good until then.
    Expired {
        /// Milliseconds since 1970.
        at: i64,
    },
    /// Good, but not for this.
    LacksScope,
}

#[derive(Debug)]
struct Grant {
    scopes: Vec<String>,
    revoked: bool,
}

#[derive(Debug, Clone, Copy)]
struct Access {
    grant: usize,
    expires_at: i64,
}

#[derive(Debug, Clone, Copy)]
struct Refresh {
    grant: usize,
    replaced: bool,
}

#[derive(Debug)]
struct Code {
    consent: Consent,
    expires_at: i64,
}

/// Everything the authorization server remembers.
#[derive(Debug)]
pub struct Grants {
    seed: u64,
    ttl_ms: i64,
    rotate: bool,
    issued: u64,
    codes: HashMap<String, Code>,
    access: HashMap<String, Access>,
    refresh: HashMap<String, Refresh>,
    grants: Vec<Grant>,
}

impl Grants {
    /// No grants yet.
    pub fn new(config: &Config) -> Self {
        Self {
            seed: config.seed,
            ttl_ms: i64::try_from(config.token_ttl.as_millis()).unwrap_or(i64::MAX / 2),
            rotate: config.rotate_refresh_tokens,
            issued: 0,
            codes: HashMap::new(),
            access: HashMap::new(),
            refresh: HashMap::new(),
            grants: Vec::new(),
        }
    }

    /// Seconds an access token lives.
    pub fn ttl_seconds(&self) -> i64 {
        self.ttl_ms / 1_000
    }

    /// Issues a code for a consent.
    pub fn issue_code(&mut self, consent: Consent, now: i64) -> String {
        self.codes.retain(|_, code| code.expires_at > now);
        let code = self.fresh(0xC0DE, "na1-", 16);
        self.codes.insert(
            code.clone(),
            Code {
                consent,
                expires_at: now + CODE_TTL_MS,
            },
        );
        code
    }

    /// Exchanges a code; it is gone afterwards, whatever the outcome.
    pub fn exchange(
        &mut self,
        code: &str,
        redirect_uri: &str,
        verifier: Option<&str>,
        now: i64,
    ) -> Result<Tokens, Refusal> {
        let code = self
            .codes
            .remove(code)
            .filter(|code| code.expires_at > now)
            .ok_or(Refusal::Code)?;
        if code.consent.redirect_uri != redirect_uri {
            return Err(Refusal::RedirectUri);
        }
        if let Some((challenge, method)) = &code.consent.challenge
            && !verifier.is_some_and(|verifier| answers(verifier, challenge, method))
        {
            return Err(Refusal::Verifier);
        }
        let grant = self.grants.len();
        self.grants.push(Grant {
            scopes: code.consent.scopes,
            revoked: false,
        });
        let refresh = self.new_refresh(grant);
        Ok(self.tokens(grant, refresh, now))
    }

    /// Exchanges a refresh token. With rotation, one that was replaced before revokes its grant.
    pub fn refresh(&mut self, token: &str, now: i64) -> Result<Tokens, Refusal> {
        let known = self.refresh.get(token).copied().ok_or(Refusal::RefreshToken)?;
        if known.replaced {
            self.revoke(known.grant);
            return Err(Refusal::RefreshToken);
        }
        if self.is_revoked(known.grant) {
            return Err(Refusal::RefreshToken);
        }
        let next = if self.rotate {
            self.refresh.insert(
                token.to_owned(),
                Refresh {
                    grant: known.grant,
                    replaced: true,
                },
            );
            self.new_refresh(known.grant)
        } else {
            token.to_owned()
        };
        Ok(self.tokens(known.grant, next, now))
    }

    /// Judges an access token.
    pub fn check(&self, token: &str, scope: &str, now: i64) -> Verdict {
        let Some(access) = self.access.get(token) else {
            return Verdict::Unknown;
        };
        let Some(grant) = self.grants.get(access.grant).filter(|grant| !grant.revoked) else {
            return Verdict::Unknown;
        };
        if access.expires_at <= now {
            return Verdict::Expired { at: access.expires_at };
        }
        if !grant.scopes.is_empty() && !grant.scopes.iter().any(|granted| granted == scope) {
            return Verdict::LacksScope;
        }
        Verdict::Allowed
    }

    /// Scopes and seconds left of a live access token.
    pub fn access_info(&self, token: &str, now: i64) -> Option<(Vec<String>, i64)> {
        let access = self.access.get(token).filter(|access| access.expires_at > now)?;
        let grant = self.grants.get(access.grant).filter(|grant| !grant.revoked)?;
        Some((grant.scopes.clone(), (access.expires_at - now) / 1_000))
    }

    /// Scopes of a live refresh token.
    pub fn refresh_info(&self, token: &str) -> Option<Vec<String>> {
        let refresh = self.refresh.get(token).filter(|refresh| !refresh.replaced)?;
        let grant = self.grants.get(refresh.grant).filter(|grant| !grant.revoked)?;
        Some(grant.scopes.clone())
    }

    /// Revokes the grant behind a refresh or access token; false when unknown.
    pub fn revoke_token(&mut self, token: &str) -> bool {
        let grant = self
            .refresh
            .get(token)
            .map(|refresh| refresh.grant)
            .or_else(|| self.access.get(token).map(|access| access.grant));
        grant.is_some_and(|grant| {
            self.revoke(grant);
            true
        })
    }

    /// Revokes every grant.
    pub fn revoke_all(&mut self) {
        for grant in 0..self.grants.len() {
            self.revoke(grant);
        }
    }

    /// Lets every access token expire.
    pub fn expire_all(&mut self, now: i64) {
        for access in self.access.values_mut() {
            access.expires_at = access.expires_at.min(now);
        }
    }

    fn revoke(&mut self, grant: usize) {
        if let Some(grant) = self.grants.get_mut(grant) {
            grant.revoked = true;
        }
    }

    fn is_revoked(&self, grant: usize) -> bool {
        self.grants.get(grant).is_none_or(|grant| grant.revoked)
    }

    fn new_refresh(&mut self, grant: usize) -> String {
        let token = self.fresh(0x2EF2, "na1-", 16);
        self.refresh.insert(token.clone(), Refresh { grant, replaced: false });
        token
    }

    fn tokens(&mut self, grant: usize, refresh: String, now: i64) -> Tokens {
        self.access
            .retain(|_, access| access.expires_at + REMEMBER_EXPIRED_MS > now);
        let access = self.fresh(0xACCE, "CN", 48);
        self.access.insert(
            access.clone(),
            Access {
                grant,
                expires_at: now + self.ttl_ms,
            },
        );
        let scopes = self
            .grants
            .get(grant)
            .map(|grant| grant.scopes.clone())
            .unwrap_or_default();
        Tokens {
            access,
            refresh,
            scopes,
        }
    }

    fn fresh(&mut self, purpose: u64, prefix: &str, bytes: usize) -> String {
        self.issued += 1;
        format!("{prefix}{}", hex_text(self.seed, purpose, self.issued, bytes))
    }
}

fn answers(verifier: &str, challenge: &str, method: &str) -> bool {
    use base64::Engine as _;
    match method {
        "S256" => {
            let hash = digest::digest(&digest::SHA256, verifier.as_bytes());
            base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(hash) == challenge
        }
        "plain" => verifier == challenge,
        _ => false,
    }
}
