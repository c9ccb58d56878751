//! Dates from text, as the engine that functions were written for reads them.
//!
//! First the standard form; whatever begins like it and goes on differently, and everything else, is read word by
//! word: numbers become parts of the date unless a colon or a sign says that they belong to the time or the offset.
//! Times without an offset are in UTC, the only zone here.

mod scanner;

use rquickjs::{Ctx, Function, Object, Result, String as JsString};

use self::scanner::{Scanner, Token};
use super::text;

const DAY_MS: f64 = 86_400_000.0;
/// The last moment that a date can hold.
const TIME_MAX: f64 = 8.64e15;
const MONTHS: &str = "jan feb mar apr may jun jul aug sep oct nov dec";

pub(super) fn install<'js>(ctx: &Ctx<'js>, native: &Object<'js>) -> Result<()> {
    native.set(
        "parseDate",
        Function::new(ctx.clone(), |source: JsString<'_>| -> Result<f64> {
            Ok(parse(&text(source)?).unwrap_or(f64::NAN))
        })?,
    )
}

/// Milliseconds since 1970; none when it is no date.
fn parse(source: &str) -> Option<f64> {
    let mut scanner = Scanner::new(source);
    match standard(&mut scanner) {
        Standard::Whole(date, time, offset) => moment(date, time, offset),
        Standard::Broken => None,
        Standard::Begun(numbers) => words(scanner, numbers),
    }
}

/// Year, month and day; hours, minutes, seconds and milliseconds; minutes east of UTC.
fn moment((year, month, day): (i64, i64, i64), time: [i64; 4], offset: i64) -> Option<f64> {
    let [hours, minutes, seconds, milliseconds] = time;
    let within_day = ((hours * 60 + minutes - offset) * 60 + seconds) * 1000 + milliseconds;
    let total = days_from_civil(year, month, day) as f64 * DAY_MS + within_day as f64;
    (total.abs() <= TIME_MAX).then_some(total)
}

/// Days since 1970 in the Gregorian calendar, counted in years that begin in March.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

enum Standard {
    /// The text is a date in the standard form.
    Whole((i64, i64, i64), [i64; 4], i64),
    /// It is one up to a time that is none.
    Broken,
    /// It begins with these parts of a date, and goes on in another form.
    Begun(Vec<i64>),
}

fn standard(scanner: &mut Scanner<'_>) -> Standard {
    let mut numbers = Vec::new();
    let sign = match scanner.next {
        Token::Symbol('-') => -1,
        Token::Symbol('+') => 1,
        _ => 0,
    };
    let year = if sign == 0 {
        scanner.fixed(4, 0..=9999)
    } else {
        // A sign that no long year follows means nothing where a date begins.
        scanner.take();
        let smallest = i64::from(sign < 0);
        scanner.fixed(6, smallest..=999_999).map(|year| year * sign)
    };
    let Some(year) = year else {
        return Standard::Begun(numbers);
    };
    numbers.push(year);
    if scanner.skip('-') {
        let Some(month) = scanner.fixed(2, 1..=12) else {
            return Standard::Begun(numbers);
        };
        numbers.push(month);
        if scanner.skip('-') {
            let Some(day) = scanner.fixed(2, 1..=31) else {
                return Standard::Begun(numbers);
            };
            numbers.push(day);
        }
    }
    let part = |index: usize| numbers.get(index).copied().unwrap_or(1);
    let date = (part(0), part(1), part(2));
    match scanner.next {
        Token::End => Standard::Whole(date, [0; 4], 0),
        Token::Word(word) if word.eq_ignore_ascii_case("t") => {
            scanner.take();
            match standard_time(scanner) {
                Some((time, offset)) => Standard::Whole(date, time, offset),
                None => Standard::Broken,
            }
        }
        _ => Standard::Begun(numbers),
    }
}

fn standard_time(scanner: &mut Scanner<'_>) -> Option<([i64; 4], i64)> {
    let hours = scanner.fixed(2, 0..=24)?;
    if !scanner.skip(':') {
        return None;
    }
    let mut time = [hours, scanner.fixed(2, 0..=59)?, 0, 0];
    if scanner.skip(':') {
        time[2] = scanner.fixed(2, 0..=59)?;
        if scanner.skip('.') {
            time[3] = thousandths(scanner.take())?;
        }
    }
    if hours == 24 && time != [24, 0, 0, 0] {
        return None;
    }
    let offset = match scanner.take() {
        Token::End => return Some((time, 0)),
        Token::Word(word) if word.eq_ignore_ascii_case("z") => 0,
        Token::Symbol(sign @ ('+' | '-')) => {
            let minutes = match scanner.fixed(4, 0..=2359) {
                Some(both) => (both % 100 < 60).then_some(both / 100 * 60 + both % 100)?,
                None => {
                    let hours = scanner.fixed(2, 0..=23)?;
                    scanner.skip(':').then_some(())?;
                    hours * 60 + scanner.fixed(2, 0..=59)?
                }
            };
            if sign == '-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    (scanner.next == Token::End).then_some((time, offset))
}

/// Milliseconds of a fraction of a second; further digits are dropped.
fn thousandths(token: Token<'_>) -> Option<i64> {
    let Token::Number { text, .. } = token else {
        return None;
    };
    format!("{text:0<3}").get(..3)?.parse().ok()
}

/// What has been read of a date that is not in the standard form.
#[derive(Default)]
struct Parts {
    numbers: Vec<i64>,
    month: Option<i64>,
    time: Vec<i64>,
    /// No further number belongs to the time.
    time_ended: bool,
    /// Hours that AM or PM add.
    half: Option<i64>,
    sign: Option<i64>,
    offset_hours: Option<i64>,
    offset_minutes: Option<i64>,
}

impl Parts {
    fn expects_time(&self, value: i64) -> bool {
        !self.time_ended && matches!(self.time.len(), 1 | 2) && (0..60).contains(&value)
    }

    fn expects_offset_minutes(&self, value: i64) -> bool {
        self.offset_hours.is_some() && self.offset_minutes.is_none() && (0..60).contains(&value)
    }

    fn is_utc(&self) -> bool {
        self.offset_hours == Some(0) && self.offset_minutes == Some(0)
    }

    fn set_offset(&mut self, hours: i64) {
        self.sign = Some(if hours < 0 { -1 } else { 1 });
        self.offset_hours = Some(hours.abs());
        self.offset_minutes = Some(0);
    }

    fn finish(&self) -> Option<f64> {
        if self.numbers.is_empty() {
            return None;
        }
        let part = |index: usize| self.numbers.get(index).copied().unwrap_or(1);
        let year_first = !(1..=31).contains(&part(0));
        let (year, month, day) = match (self.month, year_first) {
            (Some(month), true) => (part(0), month, part(1)),
            (Some(month), false) => (part(1), month, part(0)),
            (None, true) => (part(0), part(1), part(2)),
            (None, false) => (part(2), part(0), part(1)),
        };
        let year = match year {
            0..=49 => year + 2000,
            50..=99 => year + 1900,
            _ => year,
        };
        if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
            return None;
        }
        let minutes = self.offset_hours.unwrap_or(0) * 60 + self.offset_minutes.unwrap_or(0);
        moment((year, month, day), self.clock()?, self.sign.unwrap_or(1) * minutes)
    }

    fn clock(&self) -> Option<[i64; 4]> {
        let part = |index: usize| self.time.get(index).copied().unwrap_or(0);
        let mut hours = part(0);
        if let Some(half) = self.half {
            if hours > 12 {
                return None;
            }
            hours = hours % 12 + half;
        }
        let time = [hours, part(1), part(2), part(3)];
        let usual = hours < 24 && time[1] < 60 && time[2] < 60 && time[3] < 1000;
        (usual || time == [24, 0, 0, 0]).then_some(time)
    }
}

fn words(mut scanner: Scanner<'_>, numbers: Vec<i64>) -> Option<f64> {
    let mut seen_number = !numbers.is_empty();
    let mut parts = Parts {
        numbers,
        ..Parts::default()
    };
    loop {
        match scanner.take() {
            Token::End => return parts.finish(),
            Token::Number { value, .. } => {
                seen_number = true;
                number(&mut scanner, &mut parts, value)?;
            }
            Token::Word(word) => self::word(&mut scanner, &mut parts, word, seen_number)?,
            Token::Symbol(sign @ ('+' | '-')) if parts.is_utc() || !parts.time.is_empty() => {
                seen_number = true;
                offset(&mut scanner, &mut parts, if sign == '-' { -1 } else { 1 })?;
            }
            Token::Symbol('+' | '-' | ')') if seen_number => return None,
            Token::Symbol('(') => comment(&mut scanner),
            Token::Symbol(_) | Token::Space => {}
        }
    }
}

fn number(scanner: &mut Scanner<'_>, parts: &mut Parts, value: i64) -> Option<()> {
    if scanner.skip(':') {
        if scanner.next == Token::Symbol(':') || parts.time_ended || parts.time.len() >= 4 {
            return None;
        }
        parts.time.push(value);
        scanner.skip('.');
        return Some(());
    }
    if scanner.skip('.') && parts.expects_time(value) {
        parts.time.push(value);
        let fraction = thousandths(scanner.take())?;
        parts.time.resize(3, 0);
        parts.time.push(fraction);
        parts.time_ended = true;
        return Some(());
    }
    if parts.expects_offset_minutes(value) {
        parts.offset_minutes = Some(value);
        return Some(());
    }
    if parts.expects_time(value) {
        parts.time.push(value);
        parts.time_ended = true;
        return match scanner.next {
            Token::End | Token::Space | Token::Symbol('+' | '-') => Some(()),
            Token::Word(word) if word.eq_ignore_ascii_case("z") => Some(()),
            _ => None,
        };
    }
    if parts.numbers.len() == 3 {
        return None;
    }
    parts.numbers.push(value);
    scanner.skip('-');
    Some(())
}

fn word(scanner: &mut Scanner<'_>, parts: &mut Parts, word: &str, seen_number: bool) -> Option<()> {
    let lower = word.to_ascii_lowercase();
    let start = lower.get(..3).unwrap_or(&lower);
    if start.len() == 3
        && let Some(month) = MONTHS.split(' ').position(|name| name == start)
    {
        parts.month = Some(month as i64 + 1);
        scanner.skip('-');
        return Some(());
    }
    match lower.as_str() {
        "am" if !parts.time.is_empty() => parts.half = Some(0),
        "pm" if !parts.time.is_empty() => parts.half = Some(12),
        "ut" | "utc" | "z" | "gmt" if seen_number => parts.set_offset(0),
        "est" | "cdt" if seen_number => parts.set_offset(-5),
        "edt" if seen_number => parts.set_offset(-4),
        "cst" | "mdt" if seen_number => parts.set_offset(-6),
        "mst" | "pdt" if seen_number => parts.set_offset(-7),
        "pst" if seen_number => parts.set_offset(-8),
        _ => {
            // Other words may come before the first number, and not touch it.
            if seen_number || matches!(scanner.next, Token::Number { .. }) {
                return None;
            }
        }
    }
    Some(())
}

/// An offset after its sign: `5`, `05`, `530`, `0530`, or hours whose minutes follow after a colon.
fn offset(scanner: &mut Scanner<'_>, parts: &mut Parts, sign: i64) -> Option<()> {
    let (value, digits) = match scanner.next {
        Token::Number { value, digits, .. } => {
            scanner.take();
            (value, digits)
        }
        _ => (0, 0),
    };
    parts.sign = Some(sign);
    let (hours, minutes) = match digits {
        _ if scanner.next == Token::Symbol(':') => (value, None),
        1 | 2 => (value, Some(0)),
        3 | 4 => (value / 100, Some(value % 100)),
        _ => return None,
    };
    parts.offset_hours = Some(hours);
    parts.offset_minutes = minutes;
    Some(())
}

/// Skips to the end of a comment, inside of which there may be others.
fn comment(scanner: &mut Scanner<'_>) {
    let mut depth = 1;
    while depth > 0 {
        match scanner.take() {
            Token::Symbol('(') => depth += 1,
            Token::Symbol(')') => depth -= 1,
            Token::End => return,
            _ => {}
        }
    }
}
