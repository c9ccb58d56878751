// The order of texts: the root order, which most languages share.

// What sorts before letters, in this order.
const BEFORE_LETTERS = '\t\n\u000b\f\r \u00a0_-,;:!?.\'"()[]{}@*/\\&#%`^+<=>|~$0123456789';
const LETTER_FORMS = { __proto__: null, ß: 'ss', æ: 'ae', œ: 'oe', ø: 'o', ł: 'l', đ: 'd', ð: 'd', þ: 'th', ı: 'i' };
const MARK = /\p{M}/u;
const OTHER_SIGN = /[\p{Z}\p{P}\p{S}]/u;

function primaryWeight(letter) {
    const place = BEFORE_LETTERS.indexOf(letter);
    if (place >= 0) return place + 1;
    const code = letter.codePointAt(0);
    // Signs beyond ASCII come with the one that they are like.
    if (OTHER_SIGN.test(letter)) {
        const like = /\p{Z}/u.test(letter) ? ' ' : /\p{Pd}/u.test(letter) ? '-' : /\p{Pi}|\p{Pf}/u.test(letter) ? '"' : letter === '…' ? '.' : /\p{P}/u.test(letter) ? '%' : '~';
        return BEFORE_LETTERS.indexOf(like) + 1 + code / 0x200000;
    }
    return code >= 97 && code <= 122 ? code + 100 : code + 1000;
}

// Letters without accents and case, the accents, and the case, to be compared one after the other.
function collationKeys(text, numeric) {
    const letters = [];
    const accents = [];
    const cases = [];
    for (const character of /^[\x20-\x7e]*$/.test(text) ? text : text.normalize('NFD')) {
        if (MARK.test(character)) {
            accents[letters.length - 1] = `${accents[letters.length - 1] ?? ''}${character}`;
            continue;
        }
        const lower = character.toLowerCase();
        const plain = LETTER_FORMS[lower] ?? lower;
        for (const letter of plain) {
            const digit = numeric && letter >= '0' && letter <= '9';
            const previous = letters[letters.length - 1];
            if (digit && typeof previous === 'string') {
                letters[letters.length - 1] = previous + letter;
                continue;
            }
            letters.push(digit ? letter : primaryWeight(letter));
            accents[letters.length - 1] = plain === lower ? '' : lower;
            cases.push(character === lower ? 0 : 1);
        }
    }
    return { letters, accents, cases };
}

function compareWeights(a, b) {
    if (typeof a === 'string' && typeof b === 'string') {
        const [x, y] = [a.replace(/^0+(?=.)/, ''), b.replace(/^0+(?=.)/, '')];
        return x.length - y.length || (x < y ? -1 : x > y ? 1 : 0);
    }
    const weight = (value) => (typeof value === 'string' ? primaryWeight(value[0]) : value);
    return weight(a) - weight(b);
}

function compareLists(a, b, compare) {
    for (let i = 0; i < a.length && i < b.length; i++) {
        const order = compare(a[i], b[i]);
        if (order !== 0) return order < 0 ? -1 : 1;
    }
    return Math.sign(a.length - b.length);
}

function collate(a, b, options) {
    if (a === b) return 0;
    const { numeric = false, sensitivity = 'variant', ignorePunctuation = false, caseFirst = 'false' } = options ?? {};
    if (ignorePunctuation) [a, b] = [a, b].map((one) => one.replace(/[\s\p{P}]/gu, ''));
    const [x, y] = [collationKeys(a, Boolean(numeric)), collationKeys(b, Boolean(numeric))];
    const text = (p, q) => (p < q ? -1 : p > q ? 1 : 0);
    const accents = sensitivity === 'accent' || sensitivity === 'variant';
    const cases = sensitivity === 'case' || sensitivity === 'variant';
    return (
        compareLists(x.letters, y.letters, compareWeights) ||
        (accents && compareLists(x.accents, y.accents, text)) ||
        (cases && compareLists(x.cases, y.cases, (p, q) => (caseFirst === 'upper' ? q - p : p - q))) ||
        0
    );
}
