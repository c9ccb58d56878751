//! From text to tree.

use super::{Function, Part, Shift, Unit, Variable};

/// Why a template does not parse.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// `${` without `}`.
    #[error("the placeholder that begins at `{0}` is not closed")]
    Open(String),
    /// `${}`.
    #[error("a placeholder is empty")]
    Empty,
    /// A name with characters that no name has.
    #[error("`{0}` is not a name that a placeholder can have")]
    Name(String),
    /// A function that does not exist.
    #[error(
        "there is no function `{0}`; use base64, sha256_hex, sha256_base64, hmac_sha1_hex, ed25519_base64, spki_sha256_fingerprint, certificate_thumbprint or aws_sigv4_header"
    )]
    Function(String),
    /// A function with the wrong number of arguments.
    #[error("`{name}` takes {wanted}, not {given}")]
    Arguments {
        /// The function.
        name: String,
        /// What it takes.
        wanted: &'static str,
        /// How many were given.
        given: usize,
    },
    /// A time shift that is not `N:unit`.
    #[error("`{0}` is not a moment; write now, now:FORMAT or now+7:days:FORMAT")]
    Moment(String),
    /// Functions nested deeper than anyone needs.
    #[error("functions are nested too deeply")]
    Depth,
}

const DEPTH_MAX: usize = 8;

/// Parses everything or says what is wrong.
pub(super) fn strict(source: &str) -> Result<Vec<Part>, ParseError> {
    let mut parser = Parser {
        rest: source,
        lenient: false,
    };
    parser.parts(None, 0)
}

/// Keeps as text what does not parse.
pub(super) fn lenient(source: &str) -> Vec<Part> {
    let mut parser = Parser {
        rest: source,
        lenient: true,
    };
    parser
        .parts(None, 0)
        .unwrap_or_else(|_| vec![Part::Text(source.to_owned())])
}

/// The pieces of `source`, each with the text that it was written as; what does not parse is text.
pub(super) fn pieces(source: &str) -> Vec<(Part, &str)> {
    let mut pieces = Vec::new();
    let mut text_from = source;
    let mut rest = source;
    while let Some(at) = rest.find("${") {
        let (_, opened) = rest.split_at(at);
        let mut parser = Parser {
            rest: opened.get(2..).unwrap_or(""),
            lenient: true,
        };
        match parser.placeholder(0) {
            Ok(part) => {
                push_text(before(text_from, opened), &mut pieces);
                pieces.push((part, before(opened, parser.rest)));
                rest = parser.rest;
                text_from = rest;
            }
            Err(_) => rest = opened.get(2..).unwrap_or(""),
        }
    }
    push_text(text_from, &mut pieces);
    pieces
}

/// What of `whole` lies before its suffix `end`.
fn before<'a>(whole: &'a str, end: &str) -> &'a str {
    whole.get(..whole.len() - end.len()).unwrap_or("")
}

fn push_text<'a>(text: &'a str, pieces: &mut Vec<(Part, &'a str)>) {
    if !text.is_empty() {
        pieces.push((Part::Text(text.to_owned()), text));
    }
}

struct Parser<'a> {
    rest: &'a str,
    lenient: bool,
}

impl<'a> Parser<'a> {
    /// Parts up to `end` (which is consumed) or to the end of the text.
    fn parts(&mut self, end: Option<&str>, depth: usize) -> Result<Vec<Part>, ParseError> {
        let mut parts = Vec::new();
        let mut text = String::new();
        let opened_at = self.rest;
        loop {
            if let Some(end) = end
                && let Some(rest) = self.rest.strip_prefix(end)
            {
                self.rest = rest;
                flush(&mut text, &mut parts);
                return Ok(parts);
            }
            if let Some(rest) = self.rest.strip_prefix("${") {
                let before = self.rest;
                self.rest = rest;
                match self.placeholder(depth) {
                    Ok(part) => {
                        flush(&mut text, &mut parts);
                        parts.push(part);
                    }
                    Err(_) if self.lenient => {
                        text.push_str("${");
                        self.rest = before.get(2..).unwrap_or("");
                    }
                    Err(error) => return Err(error),
                }
                continue;
            }
            match self.rest.chars().next() {
                Some(character) => {
                    text.push(character);
                    self.rest = self.rest.get(character.len_utf8()..).unwrap_or("");
                }
                None if end.is_some() => return Err(ParseError::Open(start_of(opened_at))),
                None => {
                    flush(&mut text, &mut parts);
                    return Ok(parts);
                }
            }
        }
    }

    /// What follows `${`, the closing brace included.
    fn placeholder(&mut self, depth: usize) -> Result<Part, ParseError> {
        if let Some((name, rest)) = function_name(self.rest) {
            if depth >= DEPTH_MAX {
                return Err(ParseError::Depth);
            }
            let function = Function::named(name).ok_or_else(|| ParseError::Function(name.to_owned()))?;
            self.rest = rest;
            let argument = self.parts(Some(")}"), depth + 1)?;
            return Ok(Part::Call(function, function.split(argument)?));
        }
        let (name, rest) = self
            .rest
            .split_once('}')
            .ok_or_else(|| ParseError::Open(start_of(self.rest)))?;
        self.rest = rest;
        Ok(Part::Value(variable(name.trim())?))
    }
}

fn flush(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text)));
    }
}

fn start_of(text: &str) -> String {
    text.chars().take(24).collect()
}

/// `name(` at the start of the text.
fn function_name(text: &str) -> Option<(&str, &str)> {
    let (name, rest) = text.split_once('(')?;
    let well_formed = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    well_formed.then_some((name, rest))
}

fn variable(name: &str) -> Result<Variable, ParseError> {
    if name.is_empty() {
        return Err(ParseError::Empty);
    }
    if name == "now" || name.starts_with("now:") || name.starts_with("now+") || name.starts_with("now-") {
        return moment(name);
    }
    let allowed = |character: char| character.is_alphanumeric() || matches!(character, '.' | '_' | '-' | '@' | ' ');
    if !name.chars().all(allowed) {
        return Err(ParseError::Name(name.to_owned()));
    }
    let owned = str::to_owned;
    if let Some((group, field)) = name.split_once('.').filter(|(_, field)| !field.is_empty()) {
        match group {
            "config" | "connectionConfig" => return Ok(Variable::Config(owned(field))),
            "cred" | "credentials" => {
                return Ok(match field {
                    "_cookies" => Variable::SessionCookies,
                    _ => Variable::Credential(owned(field)),
                });
            }
            "metadata" => return Ok(Variable::Metadata(owned(field))),
            "once" | "assertionOption" => return Ok(Variable::Once(owned(field))),
            "app" => return Ok(Variable::App(owned(field))),
            "req" => return request_variable(field).ok_or_else(|| ParseError::Name(owned(name))),
            _ => {}
        }
        if let Some(number) = group
            .strip_prefix("step")
            .and_then(|number| number.parse::<usize>().ok())
            && (1..=99).contains(&number)
        {
            return Ok(Variable::Step(number, owned(field)));
        }
    }
    Ok(match name {
        "apiKey" => Variable::Credential(owned("apiKey")),
        "token" | "accessToken" => Variable::Token,
        "signed_jwt" => Variable::SignedJwt,
        "assertion" => Variable::Assertion,
        "refresh_token" => Variable::RefreshToken,
        "session_cookies" => Variable::SessionCookies,
        "uuid" | "random" => Variable::Uuid,
        "clientId" => Variable::App(owned("client_id")),
        "clientSecret" => Variable::App(owned("client_secret")),
        "method" => Variable::Method,
        "host" => Variable::Host,
        "path" => Variable::Path,
        "endpoint" => Variable::Endpoint,
        "params" => Variable::SortedParams,
        "bodyCanonicalParams" => Variable::Body,
        "platform_user_agent" => Variable::PlatformUserAgent,
        _ => Variable::Bare(owned(name)),
    })
}

fn request_variable(field: &str) -> Option<Variable> {
    Some(match field {
        "method" => Variable::Method,
        "host" => Variable::Host,
        "path" => Variable::Path,
        "endpoint" => Variable::Endpoint,
        "sorted_params" => Variable::SortedParams,
        "body" => Variable::Body,
        _ => return None,
    })
}

/// `now`, `now:FORMAT`, `now+7:days:FORMAT`.
fn moment(text: &str) -> Result<Variable, ParseError> {
    let wrong = || ParseError::Moment(text.to_owned());
    let rest = text.strip_prefix("now").ok_or_else(wrong)?;
    let format = |format: &str| (!format.is_empty()).then(|| format.to_owned());
    if rest.is_empty() {
        return Ok(Variable::Now {
            shift: None,
            format: None,
        });
    }
    if let Some(tokens) = rest.strip_prefix(':') {
        return Ok(Variable::Now {
            shift: None,
            format: format(tokens),
        });
    }
    let (amount, after) = rest.split_once(':').ok_or_else(wrong)?;
    let amount = amount.parse::<i64>().map_err(|_| wrong())?;
    let (unit, tokens) = after.split_once(':').unwrap_or((after, ""));
    let unit = Unit::parse(unit).ok_or_else(wrong)?;
    Ok(Variable::Now {
        shift: Some(Shift { amount, unit }),
        format: format(tokens),
    })
}

impl Function {
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "base64" => Self::Base64,
            "sha256_hex" | "sha256Hex" => Self::Sha256Hex,
            "sha256_base64" | "sha256Base64" => Self::Sha256Base64,
            "hmac_sha1_hex" | "hmacSha1Hex" => Self::HmacSha1Hex,
            "ed25519_base64" | "ed25519Sign" => Self::Ed25519Base64,
            "spki_sha256_fingerprint" | "fingerprint" => Self::SpkiFingerprint,
            "certificate_thumbprint" => Self::CertificateThumbprint,
            "aws_sigv4_header" | "awsSigV4" => Self::AwsSigV4,
            _ => return None,
        })
    }

    fn name(self) -> &'static str {
        match self {
            Self::Base64 => "base64",
            Self::Sha256Hex => "sha256_hex",
            Self::Sha256Base64 => "sha256_base64",
            Self::HmacSha1Hex => "hmac_sha1_hex",
            Self::Ed25519Base64 => "ed25519_base64",
            Self::SpkiFingerprint => "spki_sha256_fingerprint",
            Self::CertificateThumbprint => "certificate_thumbprint",
            Self::AwsSigV4 => "aws_sigv4_header",
        }
    }

    /// Splits the text between the parentheses into arguments.
    fn split(self, argument: Vec<Part>) -> Result<Vec<Vec<Part>>, ParseError> {
        let wrong = |wanted, given| {
            Err(ParseError::Arguments {
                name: self.name().to_owned(),
                wanted,
                given,
            })
        };
        match self {
            Self::Base64
            | Self::Sha256Hex
            | Self::Sha256Base64
            | Self::SpkiFingerprint
            | Self::CertificateThumbprint => Ok(vec![argument]),
            Self::HmacSha1Hex | Self::Ed25519Base64 => match split_at_last_comma(argument) {
                Some((message, key)) => Ok(vec![message, trimmed(key)]),
                None => wrong("a message and a key", 1),
            },
            Self::AwsSigV4 => {
                let arguments: Vec<_> = split_at_commas(argument).into_iter().map(trimmed).collect();
                match arguments.len() {
                    4 | 5 => Ok(arguments),
                    given => wrong("four or five arguments", given),
                }
            }
        }
    }
}

fn split_at_last_comma(parts: Vec<Part>) -> Option<(Vec<Part>, Vec<Part>)> {
    let at = parts
        .iter()
        .rposition(|part| matches!(part, Part::Text(text) if text.contains(',')))?;
    let mut before: Vec<Part> = parts;
    let mut after = before.split_off(at);
    if let Some(Part::Text(text)) = after.first().cloned()
        && let Some((left, right)) = text.rsplit_once(',')
    {
        before.push(Part::Text(left.to_owned()));
        if let Some(first) = after.first_mut() {
            *first = Part::Text(right.to_owned());
        }
    }
    Some((before, after))
}

fn split_at_commas(parts: Vec<Part>) -> Vec<Vec<Part>> {
    let mut arguments = vec![Vec::new()];
    let push = |arguments: &mut Vec<Vec<Part>>, part: Part| {
        if let Some(last) = arguments.last_mut() {
            last.push(part);
        }
    };
    for part in parts {
        match part {
            Part::Text(text) => {
                for (index, piece) in text.split(',').enumerate() {
                    if index > 0 {
                        arguments.push(Vec::new());
                    }
                    push(&mut arguments, Part::Text(piece.to_owned()));
                }
            }
            Part::Value(_) | Part::Call(..) => push(&mut arguments, part),
        }
    }
    arguments
}

/// Without white space at both ends, and without empty texts.
fn trimmed(mut parts: Vec<Part>) -> Vec<Part> {
    if let Some(Part::Text(text)) = parts.first_mut() {
        *text = text.trim_start().to_owned();
    }
    if let Some(Part::Text(text)) = parts.last_mut() {
        *text = text.trim_end().to_owned();
    }
    parts.retain(|part| !matches!(part, Part::Text(text) if text.is_empty()));
    parts
}
