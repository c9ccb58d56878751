//! Templates written out again, in the older spelling of the wire or in our own.

use super::{Function, Part, Variable};

/// The older spelling, as `GET /providers` shows it.
pub(super) fn wire(parts: &[Part]) -> String {
    let mut out = String::new();
    for part in parts {
        match part {
            Part::Text(text) => out.push_str(text),
            Part::Value(variable) => {
                out.push_str("${");
                out.push_str(&wire_name(variable));
                out.push('}');
            }
            Part::Call(function, arguments) => {
                let separator = match function {
                    Function::HmacSha1Hex | Function::Ed25519Base64 | Function::AwsSigV4 => ", ",
                    Function::Base64
                    | Function::Sha256Hex
                    | Function::Sha256Base64
                    | Function::SpkiFingerprint
                    | Function::CertificateThumbprint => "",
                };
                let arguments: Vec<String> = arguments.iter().map(|argument| wire(argument)).collect();
                out.push_str(&format!(
                    "${{{}({})}}",
                    wire_function(*function),
                    arguments.join(separator)
                ));
            }
        }
    }
    out
}

fn wire_function(function: Function) -> &'static str {
    match function {
        Function::Base64 => "base64",
        Function::Sha256Hex => "sha256Hex",
        Function::Sha256Base64 => "sha256Base64",
        Function::HmacSha1Hex => "hmacSha1Hex",
        Function::Ed25519Base64 => "ed25519Sign",
        Function::SpkiFingerprint => "fingerprint",
        Function::CertificateThumbprint => "certificate_thumbprint",
        Function::AwsSigV4 => "awsSigV4",
    }
}

fn wire_name(variable: &Variable) -> String {
    match variable {
        Variable::Config(name) => format!("connectionConfig.{name}"),
        Variable::Credential(name) if name == "apiKey" => "apiKey".to_owned(),
        Variable::Credential(name) => format!("credentials.{name}"),
        Variable::Once(name) => format!("assertionOption.{name}"),
        Variable::App(name) if name == "client_id" => "clientId".to_owned(),
        Variable::App(name) if name == "client_secret" => "clientSecret".to_owned(),
        Variable::Token => "accessToken".to_owned(),
        Variable::SignedJwt => "token".to_owned(),
        Variable::Assertion => "credentials.assertion".to_owned(),
        Variable::SessionCookies => "credentials._cookies".to_owned(),
        Variable::Uuid => "random".to_owned(),
        Variable::Method => "method".to_owned(),
        Variable::Host => "host".to_owned(),
        Variable::Path => "path".to_owned(),
        Variable::Endpoint => "endpoint".to_owned(),
        Variable::SortedParams => "params".to_owned(),
        Variable::Body => "bodyCanonicalParams".to_owned(),
        Variable::Metadata(_)
        | Variable::App(_)
        | Variable::RefreshToken
        | Variable::Step(..)
        | Variable::Now { .. }
        | Variable::PlatformUserAgent
        | Variable::Bare(_) => own_name(variable),
    }
}

/// The spelling of provider files, for error messages.
pub(super) fn own_name(variable: &Variable) -> String {
    match variable {
        Variable::Config(name) => format!("config.{name}"),
        Variable::Credential(name) => format!("cred.{name}"),
        Variable::Metadata(name) => format!("metadata.{name}"),
        Variable::Once(name) => format!("once.{name}"),
        Variable::App(name) => format!("app.{name}"),
        Variable::Token => "token".to_owned(),
        Variable::SignedJwt => "signed_jwt".to_owned(),
        Variable::Assertion => "assertion".to_owned(),
        Variable::RefreshToken => "refresh_token".to_owned(),
        Variable::SessionCookies => "session_cookies".to_owned(),
        Variable::Step(number, path) => format!("step{number}.{path}"),
        Variable::Uuid => "uuid".to_owned(),
        Variable::Now { shift, format } => {
            let shift = shift
                .map(|shift| format!("{:+}:{}", shift.amount, shift.unit.as_str()))
                .unwrap_or_default();
            let format = format.as_deref().map(|format| format!(":{format}")).unwrap_or_default();
            format!("now{shift}{format}")
        }
        Variable::Method => "req.method".to_owned(),
        Variable::Host => "req.host".to_owned(),
        Variable::Path => "req.path".to_owned(),
        Variable::Endpoint => "req.endpoint".to_owned(),
        Variable::SortedParams => "req.sorted_params".to_owned(),
        Variable::Body => "req.body".to_owned(),
        Variable::PlatformUserAgent => "platform_user_agent".to_owned(),
        Variable::Bare(name) => name.clone(),
    }
}
