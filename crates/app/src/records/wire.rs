//! Records as JSON text, spliced together without parsing what is stored.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use tenon_model::Timestamp;
use tenon_store::tables::records::list::Listed;
use uuid::Uuid;

/// `2024-05-01T10:00:00.123456+00:00`
const MOMENT_LEN: usize = 32;

/// Appends one record with its `_nango_metadata`. `text` is the stored object, none when it was pruned.
pub fn push_record(out: &mut Vec<u8>, namespace: &Uuid, record: &Listed, text: Option<&str>) {
    let text = text
        .map(str::trim_end)
        .and_then(|text| text.strip_suffix('}'))
        .filter(|text| text.len() > 1);
    match text {
        Some(open) => out.extend_from_slice(open.as_bytes()),
        None => {
            out.extend_from_slice(b"{\"id\":");
            // Writing text into a vector does not fail.
            let _ = serde_json::to_writer(&mut *out, &record.external_id);
        }
    }
    let modified = moment(record.updated_at);
    out.extend_from_slice(b",\"_nango_metadata\":{\"first_seen_at\":\"");
    if record.first_seen_at == record.updated_at {
        out.extend_from_slice(&modified);
    } else {
        out.extend_from_slice(&moment(record.first_seen_at));
    }
    out.extend_from_slice(b"\",\"last_modified_at\":\"");
    out.extend_from_slice(&modified);
    out.extend_from_slice(b"\",\"last_action\":\"");
    out.extend_from_slice(last_action(record).as_bytes());
    out.extend_from_slice(b"\",\"deleted_at\":");
    push_moment(out, record.deleted_at);
    out.extend_from_slice(b",\"pruned_at\":");
    push_moment(out, record.pruned_at);
    out.extend_from_slice(b",\"cursor\":\"");
    push_cursor(out, namespace, record);
    out.extend_from_slice(b"\"}}");
}

/// What happened to a record last.
pub fn last_action(record: &Listed) -> &'static str {
    if record.deleted_at.is_some() {
        "DELETED"
    } else if record.first_seen_at == record.updated_at {
        "ADDED"
    } else {
        "UPDATED"
    }
}

/// Appends the cursor that points right after this record.
pub fn push_cursor(out: &mut Vec<u8>, namespace: &Uuid, record: &Listed) {
    let id = Uuid::new_v5(namespace, record.external_id.as_bytes());
    let mut plain = [0; MOMENT_LEN + 2 + 36];
    plain[..MOMENT_LEN].copy_from_slice(&moment(record.updated_at));
    plain[MOMENT_LEN..MOMENT_LEN + 2].copy_from_slice(b"||");
    id.hyphenated().encode_lower(&mut plain[MOMENT_LEN + 2..]);
    let start = out.len();
    out.resize(start + plain.len().div_ceil(3) * 4, 0);
    if let Some(space) = out.get_mut(start..) {
        // The space is exactly as long as the encoded text.
        let _ = STANDARD.encode_slice(plain, space);
    }
}

fn push_moment(out: &mut Vec<u8>, at: Option<Timestamp>) {
    match at {
        None => out.extend_from_slice(b"null"),
        Some(at) => {
            out.push(b'"');
            out.extend_from_slice(&moment(at));
            out.push(b'"');
        }
    }
}

/// The moment with microseconds and offset, written digit by digit: it is the most frequent text of a listing.
pub fn moment(at: Timestamp) -> [u8; MOMENT_LEN] {
    let mut text = *b"0000-00-00T00:00:00.000000+00:00";
    let (day, micros) = (at.0.div_euclid(86_400_000_000), at.0.rem_euclid(86_400_000_000));
    let (year, month, day) = civil(day);
    digits(&mut text, 0, 4, year.clamp(0, 9999));
    digits(&mut text, 5, 2, month);
    digits(&mut text, 8, 2, day);
    let secs = micros / 1_000_000;
    digits(&mut text, 11, 2, secs / 3_600);
    digits(&mut text, 14, 2, secs / 60 % 60);
    digits(&mut text, 17, 2, secs % 60);
    digits(&mut text, 20, 6, micros % 1_000_000);
    text
}

fn digits(text: &mut [u8; MOMENT_LEN], start: usize, count: usize, mut value: i64) {
    for place in text.iter_mut().skip(start).take(count).rev() {
        *place = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

/// Days since the epoch as year, month and day of the Gregorian calendar (H. Hinnant, "chrono-compatible low-level date
/// algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_index + 2) / 5 + 1;
    let month = if month_index < 10 {
        month_index + 3
    } else {
        month_index - 9
    };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}
