// Locale functions. The engine has none, so these give what functions are used to see: American English, in UTC, and
// the root order of texts, which most languages share. Other languages and other time zones are not there.

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
    const { numeric = false, sensitivity = 'variant' } = options ?? {};
    const [x, y] = [collationKeys(a, numeric), collationKeys(b, numeric)];
    const text = (p, q) => (p < q ? -1 : p > q ? 1 : 0);
    const accents = sensitivity === 'accent' || sensitivity === 'variant';
    const cases = sensitivity === 'case' || sensitivity === 'variant';
    return (
        compareLists(x.letters, y.letters, compareWeights) ||
        (accents && compareLists(x.accents, y.accents, text)) ||
        (cases && compareLists(x.cases, y.cases, (p, q) => p - q)) ||
        0
    );
}

const CURRENCY_SIGNS = { __proto__: null, USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', CAD: 'CA$', AUD: 'A$', NZD: 'NZ$', MXN: 'MX$', BRL: 'R$', ILS: '₪', VND: '₫', HKD: 'HK$', TWD: 'NT$' };
const WHOLE_CURRENCIES = ['JPY', 'KRW', 'VND', 'CLP', 'ISK'];

function formatNumber(value, options) {
    const number = Number(value);
    if (Number.isNaN(number)) return 'NaN';
    const { style = 'decimal', currency, useGrouping = true, currencyDisplay = 'symbol' } = options ?? {};
    const usual = style === 'currency' ? (WHOLE_CURRENCIES.includes(currency) ? 0 : 2) : 0;
    const least = options?.minimumFractionDigits ?? Math.min(usual, options?.maximumFractionDigits ?? usual);
    const most = options?.maximumFractionDigits ?? Math.max(least, style === 'decimal' ? 3 : usual);
    const size = Math.abs(style === 'percent' ? Number(`${number}e2`) || number * 100 : number);
    let [whole, fraction = ''] = Number.isFinite(size) ? roundHalfUp(size, most).split('.') : ['∞'];
    while (fraction.length > least && fraction.endsWith('0')) fraction = fraction.slice(0, -1);
    if (useGrouping) whole = whole.replace(/\B(?=(\d{3})+$)/g, ',');
    whole = whole.padStart(options?.minimumIntegerDigits ?? 1, '0');
    let text = fraction ? `${whole}.${fraction}` : whole;
    if (style === 'percent') text += '%';
    if (style === 'currency') {
        const code = String(currency).toUpperCase();
        const sign = currencyDisplay === 'code' ? undefined : CURRENCY_SIGNS[code];
        text = `${sign ?? `${code}\u00a0`}${text}`;
    }
    return number < 0 || Object.is(number, -0) ? `-${text}` : text;
}

// `toFixed` rounds what the number is in binary; people expect its decimal text to be rounded.
function roundHalfUp(size, digits) {
    if (size >= 1e21) return BigInt(size).toString();
    const exact = String(size);
    const [, fraction = ''] = exact.split('.');
    if (exact.includes('e') || fraction.length <= digits) return size.toFixed(digits);
    const up = Number(fraction[digits]) >= 5;
    const kept = BigInt(exact.replace('.', '').slice(0, exact.indexOf('.') + digits)) + (up ? 1n : 0n);
    const text = String(kept).padStart(digits + 1, '0');
    return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

const MONTHS = ['January', 'February', 'March', 'April', 'May', 'June', 'July', 'August', 'September', 'October', 'November', 'December'];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];
const DATE_STYLES = { __proto__: null, full: { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }, long: { month: 'long', day: 'numeric', year: 'numeric' }, medium: { month: 'short', day: 'numeric', year: 'numeric' }, short: { month: 'numeric', day: 'numeric', year: '2-digit' } };
const TIME_STYLES = { __proto__: null, full: 'second zone', long: 'second zone', medium: 'second', short: '' };

function dateOptions(options, wanted) {
    const given = { ...options };
    if (given.dateStyle !== undefined) Object.assign(given, DATE_STYLES[given.dateStyle]);
    if (given.timeStyle !== undefined) {
        const parts = TIME_STYLES[given.timeStyle] ?? '';
        Object.assign(given, { hour: 'numeric', minute: '2-digit' }, parts.includes('second') && { second: '2-digit' }, parts.includes('zone') && { timeZoneName: 'short' });
    }
    const names = (list) => list.some((name) => given[name] !== undefined);
    const hasDate = names(['weekday', 'year', 'month', 'day']);
    const hasTime = names(['hour', 'minute', 'second', 'fractionalSecondDigits']);
    if (!(wanted.includes('date') && hasDate) && !(wanted.includes('time') && hasTime)) {
        if (wanted !== 'time') Object.assign(given, { year: 'numeric', month: 'numeric', day: 'numeric' });
        if (wanted !== 'date') Object.assign(given, { hour: 'numeric', minute: '2-digit', second: '2-digit' });
    }
    return given;
}

function formatDate(date, locales, options, wanted) {
    const zone = options?.timeZone;
    if (zone !== undefined && !/^(utc|gmt|etc\/(utc|gmt|zulu|uct|greenwich))$/i.test(zone)) {
        throw new RangeError(`Invalid time zone specified: ${zone} (functions run in UTC and know no other)`);
    }
    if (Number.isNaN(date.getTime())) return 'Invalid Date';
    const locale = String(Array.isArray(locales) ? locales[0] : (locales ?? 'en-US'));
    const given = dateOptions(options, wanted);
    if (given.dateStyle === 'short' && !/^en-US/.test(locale)) given.year = 'numeric';
    const onlyWeekday = given.weekday && !given.year && !given.month && !given.day;
    return [dateText(date, given, locale), timeText(date, given, locale)].filter(Boolean).join(given.month === 'long' ? ' at ' : onlyWeekday ? ' ' : ', ');
}

function dateText(date, given, locale) {
    const digits = (value, style) => (style === '2-digit' ? String(value % 100).padStart(2, '0') : String(value));
    const year = given.year && digits(date.getUTCFullYear(), given.year);
    const day = given.day && digits(date.getUTCDate(), given.day);
    const weekday = given.weekday && named(WEEKDAYS[date.getUTCDay()], given.weekday);
    const month = given.month && (/numeric|2-digit/.test(given.month) ? digits(date.getUTCMonth() + 1, given.month) : named(MONTHS[date.getUTCMonth()], given.month));
    const two = (text) => text && text.padStart(2, '0');
    if (given.month === undefined || /numeric|2-digit/.test(given.month)) {
        let parts = [month, day, year];
        let separator = '/';
        if (/^(en-CA|sv|fr-CA)/.test(locale)) [parts, separator] = [[year, two(month), two(day)], '-'];
        else if (/^(en-(GB|AU|NZ|IN|IE)|fr|es|it|pt)/.test(locale)) parts = [two(day), two(month), year];
        const numbers = parts.filter(Boolean).join(separator);
        return [weekday, numbers].filter(Boolean).join(', ');
    }
    if (/^en-(GB|AU|NZ|IN|IE)/.test(locale)) return [weekday, [day, month, year].filter(Boolean).join(' ')].filter(Boolean).join(', ');
    const monthDay = [month, day].filter(Boolean).join(' ');
    return [weekday, [monthDay, year].filter(Boolean).join(day ? ', ' : ' ')].filter(Boolean).join(', ');
}

function named(name, style) {
    return style === 'long' ? name : style === 'narrow' ? name[0] : name.slice(0, 3);
}

function timeText(date, given, locale) {
    const fraction = given.fractionalSecondDigits;
    if (!given.hour && !given.minute && !given.second && !fraction) return '';
    const half = given.hour12 ?? (given.hourCycle ? /h1/.test(given.hourCycle) : !/^(en-GB|fr|de|es|it|pt|sv|nl)/.test(locale));
    const hours = date.getUTCHours();
    const pad = (value) => String(value).padStart(2, '0');
    const shown = half ? hours % 12 || 12 : hours;
    const hour = given.hour && (given.hour === '2-digit' || !half ? pad(shown) : String(shown));
    const second = given.second && `${pad(date.getUTCSeconds())}${fraction ? `.${String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, fraction)}` : ''}`;
    const clock = [hour, given.minute && pad(date.getUTCMinutes()), second].filter(Boolean).join(':');
    const daytime = half && given.hour && `${clock} ${locale === 'en-CA' ? (hours < 12 ? 'a.m.' : 'p.m.') : hours < 12 ? 'AM' : 'PM'}`;
    return [daytime || clock, given.timeZoneName && 'UTC'].filter(Boolean).join(' ');
}

// Like the built-ins they stand for, these may be called without `new`.
function Collator(locales, options) {
    if (new.target === undefined) return new Collator(locales, options);
    this.compare = (a, b) => collate(String(a), String(b), options);
}
Collator.prototype.resolvedOptions = () => ({ locale: 'en-US', usage: 'sort', sensitivity: 'variant', ignorePunctuation: false, collation: 'default', numeric: false });

function NumberFormat(locales, options) {
    if (new.target === undefined) return new NumberFormat(locales, options);
    this.format = (value) => formatNumber(value, options);
}
NumberFormat.prototype.resolvedOptions = () => ({ locale: 'en-US', numberingSystem: 'latn' });

function DateTimeFormat(locales, options) {
    if (new.target === undefined) return new DateTimeFormat(locales, options);
    this.format = (date) => formatDate(date === undefined ? new Date() : new Date(date), locales, options, 'date');
}
DateTimeFormat.prototype.resolvedOptions = () => ({ locale: 'en-US', calendar: 'gregory', numberingSystem: 'latn', timeZone: 'UTC' });

for (const format of [Collator, NumberFormat, DateTimeFormat]) format.supportedLocalesOf = (locales) => [locales ?? []].flat().filter((locale) => /^en/.test(locale));
const Intl = { Collator, NumberFormat, DateTimeFormat, getCanonicalLocales: (locales) => (locales === undefined ? [] : [locales].flat().map(String)) };

function replaceMember(prototype, name, value) {
    Object.defineProperty(value, 'name', { value: name });
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: false, configurable: true });
}

replaceMember(String.prototype, 'localeCompare', function (other, locales, options) {
    return collate(String(this), String(other), options);
});
for (const prototype of [Number.prototype, BigInt.prototype]) {
    replaceMember(prototype, 'toLocaleString', function (locales, options) {
        return formatNumber(this, options);
    });
}
for (const [name, wanted] of [['toLocaleString', 'date time'], ['toLocaleDateString', 'date'], ['toLocaleTimeString', 'time']]) {
    replaceMember(EngineDate.prototype, name, function (locales, options) {
        return formatDate(this, locales, options, wanted);
    });
}

// The engine leaves the name of the time zone out.
for (const name of ['toString', 'toTimeString']) {
    const engine = EngineDate.prototype[name];
    replaceMember(EngineDate.prototype, name, function () {
        const text = engine.call(this);
        return text.endsWith('GMT+0000') ? `${text} (Coordinated Universal Time)` : text;
    });
}
