//! Programs without their comments, which may hold what was written once.

/// The program with a space for each comment. Texts in quotes stay as they are.
pub fn without(text: &str) -> String {
    cut(text, |quoted| quoted)
}

/// The program with a space for each comment and empty texts.
pub fn code_only(text: &str) -> String {
    cut(text, |_| "''")
}

fn cut(text: &str, shown: impl Fn(&str) -> &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\'', '"', '`', '/']) {
        let (before, found) = rest.split_at(at);
        out.push_str(before);
        let length = match found.as_bytes() {
            [b'/', b'/', ..] => found.find('\n').unwrap_or(found.len()),
            [b'/', b'*', ..] => found.find("*/").map_or(found.len(), |end| end + 2),
            [b'/', ..] => 1,
            _ => quoted(found),
        };
        let (taken, left) = found.split_at(length);
        if taken.starts_with("//") || taken.starts_with("/*") {
            out.push(' ');
        } else {
            out.push_str(if length > 1 { shown(taken) } else { taken });
        }
        rest = left;
    }
    out + rest
}

/// Bytes of the quoted text at the beginning of `text`. One that a line ends, which was none, is a quote alone.
fn quoted(text: &str) -> usize {
    let quote = text.as_bytes().first().copied().unwrap_or_default();
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'\n' if quote != b'`' => return 1,
            byte if byte == quote => return at + 1,
            _ => {}
        }
    }
    1
}
