//! Small deterministic mixing functions. Everything that looks random in a simulator is a function of the seed and of a
//! counter, so that a run can be repeated.

/// One step of SplitMix64 (Steele, Lea, Flood 2014): a good 64-bit mix of one word.
pub fn mix(mut word: u64) -> u64 {
    word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// Mixes a seed with two coordinates (for example "which contact" and "which property").
pub fn mix3(seed: u64, first: u64, second: u64) -> u64 {
    mix(mix(mix(seed) ^ first).wrapping_add(second.wrapping_mul(0xD6E8_FEB8_6659_FD93)))
}

/// A text in the form of a UUID (version and variant bits set), from seed and counter.
pub fn uuid_text(seed: u64, counter: u64) -> String {
    let high = (mix3(seed, counter, 1) & !0xF000) | 0x4000;
    let low = (mix3(seed, counter, 2) & !(0b11 << 62)) | (0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xFFFF,
        high & 0xFFFF,
        low >> 48,
        low & 0xFFFF_FFFF_FFFF
    )
}

/// `bytes` × 2 hexadecimal digits from seed, purpose and counter; for tokens, which only need to be distinct here.
pub fn hex_text(seed: u64, purpose: u64, counter: u64, bytes: usize) -> String {
    let mut text = String::with_capacity(bytes * 2 + 16);
    let mut block = 0_u64;
    while text.len() < bytes * 2 {
        text.push_str(&format!(
            "{:016x}",
            mix3(seed ^ purpose.rotate_left(32), counter, block)
        ));
        block += 1;
    }
    text.truncate(bytes * 2);
    text
}
