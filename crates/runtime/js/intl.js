// Locale functions. The engine has none, so these give what functions are used to see: American English in any
// time zone, and the root order of texts, which most languages share. Other languages are not there.

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

const UTC_NAMES = /^(utc|gmt|etc\/(utc|gmt|zulu|uct|greenwich|universal)|zulu|uct|universal|greenwich)$/i;
// Abbreviations that American English has; other zones are written as an offset.
const KNOWN_ABBREVIATIONS = /^(?:[ECMP][SD]T|AK[SD]T|H[SD]T)$/;

// Name, offset in seconds and abbreviation of a zone at a moment.
function zoneOf(zone, milliseconds) {
    if (zone === undefined) return { name: 'UTC', offset: 0, abbreviation: 'UTC' };
    const name = String(zone);
    if (UTC_NAMES.test(name)) return { name: 'UTC', offset: 0, abbreviation: 'UTC' };
    const fixed = /^([+-])([01]\d|2[0-3]):?([0-5]\d)?$/.exec(name);
    if (fixed !== null) {
        const offset = (Number(fixed[2]) * 60 + Number(fixed[3] ?? 0)) * (fixed[1] === '-' ? -60 : 60);
        return { name: `${fixed[1]}${fixed[2]}:${fixed[3] ?? '00'}`, offset, abbreviation: offsetName(offset, false) };
    }
    const found = native.zoneAt(name.toWellFormed(), Number.isNaN(milliseconds) ? 0 : Math.floor(milliseconds / 1000));
    if (found === undefined) throw new RangeError(`Invalid time zone specified: ${name}`);
    const [canonical, offset, designation] = [found[0], Number(found[1]), found[2]];
    const american = /^(America|US|Canada)\/|^Pacific\/Honolulu$|^[ECMPH]ST(\d[ECMP]DT)?$/.test(canonical);
    return { name: canonical, offset, abbreviation: american && KNOWN_ABBREVIATIONS.test(designation) ? designation : offsetName(offset, false) };
}

function offsetName(offset, long) {
    if (offset === 0) return 'GMT';
    const minutes = Math.floor(Math.abs(offset) / 60);
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    const sign = offset < 0 ? '-' : '+';
    return long ? `GMT${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}` : `GMT${sign}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

function zoneText(zone, style) {
    switch (style) {
        case 'short':
            return zone.abbreviation;
        case 'shortOffset':
            return offsetName(zone.offset, false);
        case 'longOffset':
            return offsetName(zone.offset, true);
        case 'long':
            if (zone.name === 'UTC') return 'Coordinated Universal Time';
    }
    throw new RangeError(`timeZoneName: '${style}' is not available for ${zone.name}; use 'short', 'shortOffset' or 'longOffset'`);
}

// Fields are marked in the text, so that it can be taken apart again (`formatToParts`).
const mark = (type, text) => text && `\u0001${type}\u0002${text}\u0003`;
const unmarked = (text) => text.replace(/\u0001\w+\u0002([^\u0003]*)\u0003/g, '$1');

function formatDate(date, locales, options, wanted) {
    return unmarked(markedDate(date, locales, options, wanted));
}

function markedDate(date, locales, options, wanted) {
    const zone = zoneOf(options?.timeZone, date.getTime());
    if (Number.isNaN(date.getTime())) return 'Invalid Date';
    const locale = String(Array.isArray(locales) ? locales[0] : (locales ?? 'en-US'));
    const given = dateOptions(options, wanted);
    if (given.dateStyle === 'short' && !/^en-US/.test(locale)) given.year = 'numeric';
    const local = new EngineDate(date.getTime() + zone.offset * 1000);
    const onlyWeekday = given.weekday && !given.year && !given.month && !given.day;
    const separator = given.month === 'long' ? ' at ' : onlyWeekday ? ' ' : ', ';
    return [dateText(local, given, locale), timeText(local, given, locale, zone)].filter(Boolean).join(separator);
}

function dateParts(text) {
    const parts = [];
    let end = 0;
    for (const field of text.matchAll(/\u0001(\w+)\u0002([^\u0003]*)\u0003/g)) {
        if (field.index > end) parts.push({ type: 'literal', value: text.slice(end, field.index) });
        parts.push({ type: field[1], value: field[2] });
        end = field.index + field[0].length;
    }
    if (end < text.length) parts.push({ type: 'literal', value: text.slice(end) });
    return parts;
}

function dateText(date, given, locale) {
    const digits = (value, style) => (style === '2-digit' ? String(value % 100).padStart(2, '0') : String(value));
    const two = (text) => text && text.padStart(2, '0');
    const year = mark('year', given.year && digits(date.getUTCFullYear(), given.year));
    const plainDay = given.day && digits(date.getUTCDate(), given.day);
    const day = mark('day', plainDay);
    const weekday = mark('weekday', given.weekday && named(WEEKDAYS[date.getUTCDay()], given.weekday));
    const inDigits = given.month === undefined || /numeric|2-digit/.test(given.month);
    const plainMonth = given.month && (inDigits ? digits(date.getUTCMonth() + 1, given.month) : named(MONTHS[date.getUTCMonth()], given.month));
    const month = mark('month', plainMonth);
    if (inDigits) {
        const [twoDay, twoMonth] = [mark('day', two(plainDay)), mark('month', two(plainMonth))];
        let parts = [month, day, year];
        let separator = '/';
        if (/^(en-CA|sv|fr-CA)/.test(locale)) [parts, separator] = [[year, twoMonth, twoDay], '-'];
        else if (/^(en-(GB|AU|NZ|IN|IE)|fr|es|it|pt)/.test(locale)) parts = [twoDay, twoMonth, year];
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

function timeText(date, given, locale, zone) {
    const zoneName = given.timeZoneName && mark('timeZoneName', zoneText(zone, given.timeZoneName));
    const fraction = given.fractionalSecondDigits;
    if (!given.hour && !given.minute && !given.second && !fraction) return zoneName ?? '';
    const half = given.hour12 ?? (given.hourCycle ? /h1/.test(given.hourCycle) : !/^(en-GB|fr|de|es|it|pt|sv|nl)/.test(locale));
    const hours = date.getUTCHours();
    const pad = (value) => String(value).padStart(2, '0');
    const shown = half ? hours % 12 || 12 : hours;
    const hour = mark('hour', given.hour && (given.hour === '2-digit' || !half ? pad(shown) : String(shown)));
    const parts = fraction && mark('fractionalSecond', String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, fraction));
    const second = given.second && [mark('second', pad(date.getUTCSeconds())), parts].filter(Boolean).join('.');
    const clock = [hour, given.minute && mark('minute', pad(date.getUTCMinutes())), second].filter(Boolean).join(':');
    const period = locale === 'en-CA' ? (hours < 12 ? 'a.m.' : 'p.m.') : hours < 12 ? 'AM' : 'PM';
    const daytime = half && given.hour && `${clock} ${mark('dayPeriod', period)}`;
    return [daytime || clock, zoneName].filter(Boolean).join(' ');
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
    const timeZone = zoneOf(options?.timeZone, 0).name;
    const dateOf = (date) => (date === undefined ? new Date() : new Date(date));
    const checked = (date) => {
        if (Number.isNaN(date.getTime())) throw new RangeError('Invalid time value');
        return date;
    };
    this.format = (date) => formatDate(checked(dateOf(date)), locales, options, 'date');
    this.formatToParts = (date) => dateParts(markedDate(checked(dateOf(date)), locales, options, 'date'));
    this.resolvedOptions = () => ({ locale: 'en-US', calendar: 'gregory', numberingSystem: 'latn', timeZone });
}

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
