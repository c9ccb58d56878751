//! Numbers, words and signs of a text that may be a date.

/// Digits of a number that count; those after them are dropped.
const DIGITS_MAX: usize = 9;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Token<'a> {
    Number { value: i64, digits: usize, text: &'a str },
    Word(&'a str),
    Symbol(char),
    Space,
    End,
}

pub(super) struct Scanner<'a> {
    rest: &'a str,
    /// The token that is ahead.
    pub(super) next: Token<'a>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(source: &'a str) -> Self {
        let mut scanner = Self {
            rest: source,
            next: Token::End,
        };
        scanner.take();
        scanner
    }

    /// The token that was ahead.
    pub(super) fn take(&mut self) -> Token<'a> {
        let fresh = self.read();
        std::mem::replace(&mut self.next, fresh)
    }

    fn read(&mut self) -> Token<'a> {
        let Some(first) = self.rest.chars().next() else {
            return Token::End;
        };
        if first.is_ascii_digit() {
            let text = self.cut(|char| char.is_ascii_digit());
            let counted = text.trim_start_matches('0');
            let value = counted
                .get(..counted.len().min(DIGITS_MAX))
                .and_then(|text| text.parse().ok());
            return Token::Number {
                value: value.unwrap_or(0),
                digits: text.len(),
                text,
            };
        }
        if first.is_whitespace() || first == '\u{feff}' {
            self.cut(|char| char.is_whitespace() || char == '\u{feff}');
            return Token::Space;
        }
        // Everything from the first letter of ASCII on counts as a letter, brackets and other scripts included.
        if first >= 'A' {
            return Token::Word(self.cut(|char| char >= 'A' && !char.is_whitespace()));
        }
        self.rest = &self.rest[first.len_utf8()..];
        Token::Symbol(first)
    }

    fn cut(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !belongs(char)).unwrap_or(self.rest.len());
        let (cut, rest) = self.rest.split_at(end);
        self.rest = rest;
        cut
    }

    pub(super) fn skip(&mut self, symbol: char) -> bool {
        let found = self.next == Token::Symbol(symbol);
        if found {
            self.take();
        }
        found
    }

    /// A number of so many digits within bounds.
    pub(super) fn fixed(&mut self, wanted: usize, bounds: std::ops::RangeInclusive<i64>) -> Option<i64> {
        match self.next {
            Token::Number { value, digits, .. } if digits == wanted && bounds.contains(&value) => {
                self.take();
                Some(value)
            }
            _ => None,
        }
    }
}
