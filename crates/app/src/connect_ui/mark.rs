//! Neutral marks: initials on a coloured tile, in place of vendors' logos, which are not ours to ship.

/// How many colours there are.
pub const COLOURS: usize = 10;

/// Background and ink of the tiles in the served image; the ink has at least 4.5:1 on its background.
const HEX: [(&str, &str); COLOURS] = [
    ("#dbe7ff", "#1f3f8f"),
    ("#d8f0e3", "#14563a"),
    ("#ffe3d3", "#8a3411"),
    ("#efe0ff", "#5a2a91"),
    ("#ffe0e6", "#8f1f3d"),
    ("#d5eff5", "#0f5364"),
    ("#f6ecc6", "#655008"),
    ("#e3e7ec", "#37414f"),
    ("#e4f1cf", "#3f5a0b"),
    ("#fbe0f2", "#82205f"),
];

/// The mark of an integration or provider.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// One or two letters.
    pub initials: String,
    /// Which of the [`COLOURS`].
    pub colour: usize,
}

impl Mark {
    /// The mark for a name shown to people; `id` picks the colour, so that renaming does not change it.
    pub fn of(name: &str, id: &str) -> Self {
        let sum = id.bytes().fold(5_381_u32, |sum, byte| {
            sum.wrapping_mul(33).wrapping_add(u32::from(byte))
        });
        Self {
            initials: initials(name),
            colour: sum as usize % COLOURS,
        }
    }

    /// The mark as an image.
    pub fn svg(&self) -> String {
        let (paper, ink) = HEX[self.colour % COLOURS];
        let size = if self.initials.chars().count() > 1 { 24 } else { 28 };
        // Initials are letters and digits only, so nothing needs escaping.
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"64\" height=\"64\" viewBox=\"0 0 64 64\">\
             <rect width=\"64\" height=\"64\" rx=\"14\" fill=\"{paper}\"/>\
             <text x=\"32\" y=\"33\" fill=\"{ink}\" font-family=\"system-ui,sans-serif\" font-size=\"{size}\" \
             font-weight=\"600\" text-anchor=\"middle\" dominant-baseline=\"central\">{}</text></svg>",
            self.initials
        )
    }
}

/// The first letters of the first two words; of a single word, its first letter and the next capital.
fn initials(name: &str) -> String {
    let plain = name.split('(').next().unwrap_or(name);
    let words: Vec<&str> = plain
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .collect();
    let mut letters: Vec<char> = match words.as_slice() {
        [] => vec!['?'],
        [word] => {
            let mut rest = word.chars();
            let first = rest.next();
            first
                .into_iter()
                .chain(rest.find(|letter| letter.is_uppercase()))
                .collect()
        }
        [first, second, ..] => first.chars().take(1).chain(second.chars().take(1)).collect(),
    };
    letters.truncate(2);
    letters.into_iter().flat_map(char::to_uppercase).take(2).collect()
}
