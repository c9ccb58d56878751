// `Intl` and the locale functions of the built-ins, over what the files before this one know. Like the built-ins they
// stand for, the classes of old may be called without `new`.

function tagged(type, name) {
    Object.defineProperty(type.prototype, Symbol.toStringTag, { value: `Intl.${name}`, configurable: true });
    type.supportedLocalesOf = (locales) => canonicalLocales(locales).filter((locale) => isKnown(locale) && !LANGUAGES_ELSEWHERE.includes(` ${locale.split('-')[0]} `));
}

function Collator(locales, options) {
    if (new.target === undefined) return new Collator(locales, options);
    const locale = resolveLocale(locales);
    const settings = {
        locale,
        usage: option(options, 'usage', ['sort', 'search'], 'sort'),
        sensitivity: option(options, 'sensitivity', ['base', 'accent', 'case', 'variant'], 'variant'),
        ignorePunctuation: Boolean(options?.ignorePunctuation),
        collation: 'default',
        numeric: Boolean(options?.numeric),
        caseFirst: option(options, 'caseFirst', ['upper', 'lower', 'false'], 'false')
    };
    this.compare = (a, b) => collate(String(a), String(b), settings);
    this.resolvedOptions = () => ({ ...settings });
}

function NumberFormat(locales, options) {
    if (new.target === undefined) return new NumberFormat(locales, options);
    const settings = numberSettings(locales, options);
    this.format = (value) => textOfParts(numberParts(value, settings));
    this.formatToParts = (value) => numberParts(value, settings);
    this.formatRange = (from, to) => {
        if (!isEnglish(settings.locale)) throw noData(settings.locale, 'Ranges of numbers');
        const [first, last] = [this.format(from), this.format(to)];
        return first === last ? `~${first}` : `${first}${settings.style === 'decimal' ? '–' : ' – '}${last}`;
    };
    this.resolvedOptions = () => {
        const { locale, style, currency, currencyDisplay, currencySign, unit, unitDisplay, wholeDigits, fraction, significant, grouping, notation, compactDisplay, signDisplay, increment, roundingMode, priority, trailingZeroDisplay } = settings;
        return {
            locale, numberingSystem: 'latn', style,
            ...(style === 'currency' && { currency, currencyDisplay, currencySign }), ...(style === 'unit' && { unit, unitDisplay }),
            minimumIntegerDigits: wholeDigits, ...(fraction && { minimumFractionDigits: fraction[0], maximumFractionDigits: fraction[1] }), ...(significant && { minimumSignificantDigits: significant[0], maximumSignificantDigits: significant[1] }),
            useGrouping: grouping, notation, ...(notation === 'compact' && { compactDisplay }), signDisplay, roundingIncrement: increment, roundingMode, roundingPriority: priority, trailingZeroDisplay
        };
    };
}

function DateTimeFormat(locales, options) {
    if (new.target === undefined) return new DateTimeFormat(locales, options);
    const settings = dateSettings(locales, options, 'any', 'date');
    const timeZone = zoneOf(options?.timeZone, 0).name;
    const checked = (date) => {
        const moment = date === undefined ? new Date() : new Date(date);
        if (Number.isNaN(moment.getTime())) throw new RangeError('Invalid time value');
        return moment;
    };
    this.format = (date) => textOfParts(dateParts(checked(date), settings));
    // Taken apart, AM and PM stand behind a narrow space.
    this.formatToParts = (date) => dateParts(checked(date), settings).map((part, index, all) => (all[index + 1]?.type === 'dayPeriod' && part.value === ' ' ? { ...part, value: '\u202f' } : part));
    this.formatRange = (from, to) => dateRange(checked(from), checked(to), settings);
    this.resolvedOptions = () => {
        const { given, locale, forms } = settings;
        const shown = { locale, calendar: 'gregory', numberingSystem: 'latn', timeZone };
        if (given.hour) Object.assign(shown, { hourCycle: hourCycle(given, forms), hour12: /^h1/.test(hourCycle(given, forms)) });
        if (given.dateStyle || given.timeStyle) return { ...shown, ...(given.dateStyle && { dateStyle: given.dateStyle }), ...(given.timeStyle && { timeStyle: given.timeStyle }) };
        const fixed = { year: 'numeric', month: /M/.test(forms.whole) ? '2-digit' : 'numeric', day: /D/.test(forms.whole) ? '2-digit' : 'numeric' };
        for (const name of [...DATE_FIELDS, ...TIME_FIELDS, 'timeZoneName']) if (given[name] !== undefined) shown[name] = given.year && given.day && given[name] === 'numeric' ? (fixed[name] ?? given[name]) : given[name];
        return shown;
    };
}

// How many there are decides about the form of a word. Languages beside English: those that know one and many.
function PluralRules(locales, options) {
    if (new.target === undefined) throw new TypeError("Constructor Intl.PluralRules requires 'new'");
    const type = option(options, 'type', ['cardinal', 'ordinal'], 'cardinal');
    const locale = resolveLocale(locales);
    const alike = /^(ja|zh|ko|vi|id)\b/.test(locale);
    needForms(locale, {}, 'Rules for plurals');
    if (/^(ru|uk|pl|cs|sk|lt|ro)\b/.test(locale) || (type === 'ordinal' && !isEnglish(locale))) throw noData(locale, 'Rules for plurals');
    this.select = (value) => {
        const number = Number(value);
        if (alike) return 'other';
        if (type === 'cardinal') return number === 1 || (number === 0 && /^(fr|pt)\b/.test(locale)) ? 'one' : 'other';
        const [tens, ones] = [number % 100, number % 10];
        if (!locale.startsWith('en') || (tens >= 11 && tens <= 13)) return 'other';
        return { 1: 'one', 2: 'two', 3: 'few' }[ones] ?? 'other';
    };
    this.resolvedOptions = () => ({ locale, type, pluralCategories: alike ? ['other'] : type === 'ordinal' ? ['few', 'one', 'two', 'other'] : ['one', 'other'] });
}

const TIME_UNITS = ['second', 'minute', 'hour', 'day', 'week', 'month', 'quarter', 'year'];
const SHORT_UNITS = { __proto__: null, second: 'sec.', minute: 'min.', hour: 'hr.', day: 'day', week: 'wk.', month: 'mo.', quarter: 'qtr.', year: 'yr.' };
const NEAR = {
    __proto__: null,
    second: [undefined, 'now', undefined], minute: [undefined, 'this minute', undefined], hour: [undefined, 'this hour', undefined], day: ['yesterday', 'today', 'tomorrow'],
    week: ['last week', 'this week', 'next week'], month: ['last month', 'this month', 'next month'], quarter: ['last quarter', 'this quarter', 'next quarter'], year: ['last year', 'this year', 'next year']
};

// In English only.
function RelativeTimeFormat(locales, options) {
    if (new.target === undefined) throw new TypeError("Constructor Intl.RelativeTimeFormat requires 'new'");
    const locale = resolveLocale(locales);
    if (!isEnglish(locale)) throw noData(locale, 'Relative times');
    const numeric = option(options, 'numeric', ['always', 'auto'], 'always');
    const style = option(options, 'style', ['long', 'short', 'narrow'], 'long');
    this.format = (value, unit) => {
        const name = String(unit).replace(/s$/, '');
        if (!TIME_UNITS.includes(name)) throw new RangeError(`Invalid unit argument for format() '${unit}'`);
        const number = Number(value);
        if (!Number.isFinite(number)) throw new RangeError('Invalid time value');
        const near = numeric === 'auto' ? NEAR[name][number + 1] : undefined;
        if (near !== undefined) return near;
        const size = Math.abs(number);
        const many = size === 1 ? '' : 's';
        const word = style === 'long' ? `${name}${many}` : name === 'day' || name === 'quarter' ? SHORT_UNITS[name].replace(/\.?$/, (dot) => many + dot) : SHORT_UNITS[name];
        const text = `${formatNumber(size)} ${word}`;
        return number < 0 || Object.is(number, -0) ? `${text} ago` : `in ${text}`;
    };
    this.resolvedOptions = () => ({ locale, style, numeric, numberingSystem: 'latn' });
}

function ListFormat(locales, options) {
    if (new.target === undefined) throw new TypeError("Constructor Intl.ListFormat requires 'new'");
    const locale = resolveLocale(locales);
    const type = option(options, 'type', ['conjunction', 'disjunction', 'unit'], 'conjunction');
    const style = option(options, 'style', ['long', 'short', 'narrow'], 'long');
    const [and, or] = { __proto__: null, en: ['and', 'or'], de: ['und', 'oder'], fr: ['et', 'ou'], es: ['y', 'o'], it: ['e', 'o'], pt: ['e', 'ou'], nl: ['en', 'of'], sv: ['och', 'eller'], da: ['og', 'eller'], nb: ['og', 'eller'] }[locale.split('-')[0]] ?? [];
    if (and === undefined) throw noData(locale, 'Lists');
    const word = type === 'disjunction' ? or : style === 'long' || locale !== 'en-US' ? and : '&';
    const oxford = /^en(-US|-CA)?$/.test(locale) ? ',' : '';
    const between = type === 'unit' ? (style === 'narrow' ? ' ' : ', ') : ', ';
    this.formatToParts = (list) => {
        const items = [...list].map((item) => {
            if (typeof item !== 'string') throw new TypeError('Iterable yielded a non-String value');
            return item;
        });
        return items.flatMap((value, index) => {
            const element = { type: 'element', value };
            if (index === 0) return [element];
            const last = index === items.length - 1 && type !== 'unit';
            const sign = !last ? between : style === 'narrow' && type === 'conjunction' ? ', ' : items.length === 2 ? ` ${word} ` : `${oxford} ${word} `;
            return [{ type: 'literal', value: sign }, element];
        });
    };
    this.format = (list) => textOfParts(this.formatToParts(list));
    this.resolvedOptions = () => ({ locale, type, style });
}

class Locale {
    constructor(tag, options) {
        const [name] = canonicalLocales(typeof tag === 'object' && tag !== null ? String(tag) : tag);
        const [, language, script, region = ''] = /^([a-z]+)(?:-([A-Z][a-z]{3}))?(?:-([A-Z]{2}|\d{3}))?/.exec(name);
        const parts = { language: options?.language ?? language, script: options?.script ?? script, region: options?.region ?? (region || undefined) };
        Object.defineProperties(this, Object.fromEntries(Object.entries({ ...parts, baseName: [parts.language, parts.script, parts.region].filter(Boolean).join('-') }).map(([key, value]) => [key, { value }])));
    }

    toString() {
        return this.baseName;
    }
}

// Parts of texts: letters as people count them, and words.
class Segmenter {
    #granularity;

    constructor(locales, options) {
        canonicalLocales(locales);
        this.#granularity = option(options, 'granularity', ['grapheme', 'word', 'sentence'], 'grapheme');
    }

    segment(input) {
        const text = String(input);
        const granularity = this.#granularity;
        return {
            *[Symbol.iterator]() {
                for (const found of text.matchAll(SEGMENTS[granularity])) {
                    const shown = { segment: found[0], index: found.index, input: text };
                    yield granularity === 'word' ? { ...shown, isWordLike: /[\p{L}\p{N}]/u.test(found[0]) } : shown;
                }
            }
        };
    }
}

const SEGMENTS = {
    __proto__: null,
    grapheme: /\r\n|\p{RI}\p{RI}|\p{Emoji}[\p{EMod}\ufe0f\u20e3]*(?:\u200d\p{Emoji}[\p{EMod}\ufe0f]*)+|[\s\S][\p{M}\u200d\ufe0f\p{EMod}]*/gu,
    word: /[\p{L}\p{N}_]+(?:['’.:][\p{L}\p{N}]+)*\p{M}*|\s+|[\s\S]/gu,
    sentence: /[^.!?]*[.!?]+\s*|[^.!?]+$/gu
};

for (const [name, type] of Object.entries({ Collator, NumberFormat, DateTimeFormat, PluralRules, RelativeTimeFormat, ListFormat, Segmenter })) tagged(type, name);
Object.defineProperty(Locale.prototype, Symbol.toStringTag, { value: 'Intl.Locale', configurable: true });

const Intl = {
    Collator, NumberFormat, DateTimeFormat, PluralRules, RelativeTimeFormat, ListFormat, Locale, Segmenter,
    getCanonicalLocales: canonicalLocales,
    supportedValuesOf(key) {
        if (key === 'currency') return Object.keys({ ...SIGNS, ...NARROW_SIGNS, ...CURRENCY_DIGITS, ...CURRENCY_NAMES }).sort();
        if (key === 'unit') return Object.keys(UNITS).sort();
        if (key === 'timeZone') return native.zoneNames();
        if (key === 'calendar') return ['gregory'];
        if (key === 'collation') return ['default'];
        if (key === 'numberingSystem') return ['latn'];
        throw new RangeError(`Invalid key : ${String(key)}`);
    }
};
Object.defineProperty(Intl, Symbol.toStringTag, { value: 'Intl', configurable: true });

function replaceMember(prototype, name, value) {
    Object.defineProperty(value, 'name', { value: name });
    Object.defineProperty(prototype, name, { value, writable: true, enumerable: false, configurable: true });
}

replaceMember(String.prototype, 'localeCompare', function (other, locales, options) {
    if (locales !== undefined) canonicalLocales(locales);
    return collate(String(this), String(other), options);
});
for (const [name, turkish] of [['toLocaleLowerCase', [/I/g, 'ı', /İ/g, 'i']], ['toLocaleUpperCase', [/i/g, 'İ', /ı/g, 'I']]]) {
    const plain = String.prototype[name];
    replaceMember(String.prototype, name, function (locales) {
        const [locale = ''] = canonicalLocales(locales);
        if (!/^(tr|az)\b/.test(locale)) return plain.call(this);
        const [dotted, one, dotless, other] = turkish;
        return plain.call(String(this).replace(dotted, one).replace(dotless, other));
    });
}
for (const prototype of [Number.prototype, BigInt.prototype]) {
    const valueOf = prototype.valueOf;
    replaceMember(prototype, 'toLocaleString', function (locales, options) {
        return formatNumber(valueOf.call(this), locales, options);
    });
}
for (const [name, wanted, usual] of [['toLocaleString', 'any', 'both'], ['toLocaleDateString', 'date', 'date'], ['toLocaleTimeString', 'time', 'time']]) {
    replaceMember(EngineDate.prototype, name, function (locales, options) {
        return formatDate(this, locales, options, wanted, usual);
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
