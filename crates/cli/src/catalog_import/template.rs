//! Placeholders: the same language, other names.

/// One text with our names for its placeholders. `in_exchange` marks places where `${token}` is the JWT just signed.
pub fn convert(text: &str, in_exchange: bool) -> String {
    let mut text = text.to_owned();
    for (theirs, ours) in [
        ("${connectionConfig.", "${config."),
        ("${credentials._cookies}", "${session_cookies}"),
        ("${credentials.assertion}", "${assertion}"),
        ("${credentials.", "${cred."),
        ("${assertionOption.", "${once."),
        ("${apiKey}", "${cred.apiKey}"),
        ("${accessToken}", "\u{1}"),
        ("${clientId}", "${app.client_id}"),
        ("${clientSecret}", "${app.client_secret}"),
        ("${random}", "${uuid}"),
        ("${method}", "${req.method}"),
        ("${host}", "${req.host}"),
        ("${path}", "${req.path}"),
        ("${endpoint}", "${req.endpoint}"),
        ("${params}", "${req.sorted_params}"),
        ("${bodyCanonicalParams}", "${req.body}"),
        ("${sha256Hex(", "${sha256_hex("),
        ("${sha256Base64(", "${sha256_base64("),
        ("${hmacSha1Hex(", "${hmac_sha1_hex("),
        ("${ed25519Sign(", "${ed25519_base64("),
        ("${fingerprint(", "${spki_sha256_fingerprint("),
        ("${awsSigV4(", "${aws_sigv4_header("),
    ] {
        text = text.replace(theirs, ours);
    }
    if in_exchange {
        text = text.replace("${token}", "${signed_jwt}");
    }
    text.replace('\u{1}', "${token}")
}

/// A text that may hold alternatives between double bars: one text, or a list of them.
pub fn alternatives(text: &str, in_exchange: bool) -> toml::Value {
    let parts: Vec<toml::Value> = text
        .split("||")
        .map(|part| toml::Value::String(convert(part.trim(), in_exchange)))
        .collect();
    match parts.as_slice() {
        [only] => only.clone(),
        _ => toml::Value::Array(parts),
    }
}

#[cfg(test)]
mod tests;
