//! Looks for the one trick that deploys are refused for: calling `x.constructor(…)` to compile text.
//!
//! The sandbox refuses to compile text at run time anyway; this scan only answers early, as other servers of this
//! contract do. It skips strings, templates and comments, and allows `new x.constructor(…)` and `super.constructor(…)`.

/// Whether the bundle calls a `constructor` member.
pub(in crate::functions) fn calls_constructor(js: &str) -> bool {
    // Most bundles do not even have the word in a call.
    if !js.contains("constructor") {
        return false;
    }
    let code = without_literals(js.as_bytes());
    let mut from = 0;
    while let Some(found) = find(&code, b"constructor", from) {
        from = found + b"constructor".len();
        let before = back_over_blanks(&code, found);
        let is_member = before > 0 && code.get(before - 1) == Some(&b'.');
        let ends_word = !code.get(from).is_some_and(|byte| is_word(*byte));
        let called = code.get(skip_blanks(&code, from)) == Some(&b'(');
        if is_member && ends_word && called && !is_allowed(&code, before - 1) {
            return true;
        }
    }
    false
}

/// Whether the expression that ends at the dot at `dot` begins with `new` or is `super`.
fn is_allowed(code: &[u8], dot: usize) -> bool {
    let mut at = dot;
    if at > 0 && code.get(at - 1) == Some(&b'?') {
        at -= 1;
    }
    // Back over `a.b.c`; calls and indices end the walk, which errs on the side of refusing.
    let end = at;
    while at > 0 && code.get(at - 1).is_some_and(|byte| is_word(*byte) || *byte == b'.') {
        at -= 1;
    }
    if code.get(at..end) == Some(b"super") {
        return true;
    }
    let word_end = back_over_blanks(code, at);
    word_end >= 3
        && code.get(word_end - 3..word_end) == Some(b"new")
        && !(word_end > 3 && code.get(word_end - 4).is_some_and(|byte| is_word(*byte)))
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$'
}

fn find(code: &[u8], needle: &[u8], from: usize) -> Option<usize> {
    code.get(from..)?
        .windows(needle.len())
        .position(|window| window == needle)
        .map(|at| at + from)
}

fn skip_blanks(code: &[u8], mut at: usize) -> usize {
    while code.get(at).is_some_and(u8::is_ascii_whitespace) {
        at += 1;
    }
    at
}

fn back_over_blanks(code: &[u8], mut at: usize) -> usize {
    while at > 0 && code.get(at - 1).is_some_and(u8::is_ascii_whitespace) {
        at -= 1;
    }
    at
}

/// The code with the inside of strings, templates and comments blanked. Regular expressions are not told from divisions:
/// a quote in one may hide code, never invent it.
fn without_literals(js: &[u8]) -> Vec<u8> {
    let mut code = js.to_vec();
    let mut at = 0;
    while let Some(&byte) = js.get(at) {
        let end = match (byte, js.get(at + 1)) {
            (b'"' | b'\'', _) => end_of_quoted(js, at, byte, true),
            (b'`', _) => end_of_quoted(js, at, byte, false),
            (b'/', Some(b'/')) => js
                .iter()
                .skip(at)
                .position(|b| *b == b'\n')
                .map_or(js.len(), |n| at + n),
            (b'/', Some(b'*')) => find(js, b"*/", at + 2).map_or(js.len(), |end| end + 2),
            _ => {
                at += 1;
                continue;
            }
        };
        if let Some(inside) = code.get_mut(at..end) {
            inside.fill(b' ');
        }
        at = end;
    }
    code
}

fn end_of_quoted(js: &[u8], start: usize, quote: u8, one_line: bool) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = js.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' if one_line => return at,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    js.len()
}

#[cfg(test)]
mod tests;
