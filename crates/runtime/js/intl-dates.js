// Dates for people.

const WIDTHS = { __proto__: null, weekday: ['narrow', 'short', 'long'], era: ['narrow', 'short', 'long'], year: ['2-digit', 'numeric'], month: ['2-digit', 'numeric', 'narrow', 'short', 'long'], day: ['2-digit', 'numeric'], dayPeriod: ['narrow', 'short', 'long'], hour: ['2-digit', 'numeric'], minute: ['2-digit', 'numeric'], second: ['2-digit', 'numeric'], timeZoneName: ['short', 'long', 'shortOffset', 'longOffset', 'shortGeneric', 'longGeneric'] };
const HOUR_CYCLES = ['h11', 'h12', 'h23', 'h24'];
const DATE_FIELDS = ['weekday', 'year', 'month', 'day'];
const TIME_FIELDS = ['hour', 'minute', 'second', 'fractionalSecondDigits', 'dayPeriod'];
const STYLES = ['full', 'long', 'medium', 'short'];
const DATE_STYLES = { __proto__: null, full: { weekday: 'long', month: 'long', day: 'numeric', year: 'numeric' }, long: { month: 'long', day: 'numeric', year: 'numeric' }, medium: { month: 'short', day: 'numeric', year: 'numeric' }, short: { month: 'numeric', day: 'numeric', year: 'numeric' } };
const TIME_STYLES = { __proto__: null, full: 'long', long: 'short', medium: undefined, short: undefined };

const dateSettings = keptSettings(new Map(), makeDateSettings);

// What is to be written: the fields with their widths, and how the language writes them.
function makeDateSettings(locales, options, wanted, usual) {
    const locale = resolveLocale(locales);
    const given = {};
    for (const [name, words] of Object.entries(WIDTHS)) given[name] = option(options, name, words, undefined);
    given.fractionalSecondDigits = numberOption(options, 'fractionalSecondDigits', 1, 3, undefined);
    given.hour12 = options?.hour12 === undefined ? undefined : Boolean(options.hour12);
    given.hourCycle = option(options, 'hourCycle', HOUR_CYCLES, undefined) ?? extension(locales, 'hc', HOUR_CYCLES);
    const [dateStyle, timeStyle] = [option(options, 'dateStyle', STYLES, undefined), option(options, 'timeStyle', STYLES, undefined)];
    const has = (names) => names.some((name) => given[name] !== undefined);
    if (dateStyle !== undefined || timeStyle !== undefined) {
        if (has([...DATE_FIELDS, ...TIME_FIELDS, 'era', 'timeZoneName'])) throw new TypeError("Can't set option with dateStyle or timeStyle");
        if ((wanted === 'date' && timeStyle !== undefined) || (wanted === 'time' && dateStyle !== undefined)) throw new TypeError(`Invalid option : ${wanted === 'date' ? 'timeStyle' : 'dateStyle'}`);
        Object.assign(given, DATE_STYLES[dateStyle], { dateStyle, timeStyle });
        if (timeStyle !== undefined) Object.assign(given, { hour: 'numeric', minute: '2-digit', second: timeStyle === 'short' ? undefined : '2-digit', timeZoneName: TIME_STYLES[timeStyle] });
    } else if (!((wanted !== 'time' && has(DATE_FIELDS)) || (wanted !== 'date' && has(TIME_FIELDS)))) {
        if (usual !== 'time') Object.assign(given, { year: 'numeric', month: 'numeric', day: 'numeric' });
        if (usual !== 'date') Object.assign(given, { hour: given.hour ?? 'numeric', minute: '2-digit', second: '2-digit', usualTime: true });
    }
    if (timeStyle === undefined) given.loose = given.timeZoneName === undefined ? !given.usualTime && (given.minute === '2-digit' || given.second === '2-digit') : /^(short|long)$/.test(given.timeZoneName) && given.second !== undefined;
    if ((options?.calendar ?? 'gregory') !== 'gregory' || (options?.numberingSystem ?? 'latn') !== 'latn') throw noData(locale, 'Other calendars and digits');
    needForms(locale, DATES_ELSEWHERE, 'Dates');
    needShape(locale, given);
    return { given, locale, forms: forLocale(DATES, locale, AMERICAN), words: forLocale(WORDS, locale, ENGLISH), timeZone: options?.timeZone };
}

// Where a way of writing a date stands among those that `RIGHT_SHAPES` tells about; -1 for one that is not among them.
function dateShape({ dateStyle, weekday, month, day, year, era }) {
    if (dateStyle !== undefined) return 135 + STYLES.indexOf(dateStyle);
    const widths = ['numeric', '2-digit', 'short', 'long'];
    const places = [[weekday, widths.slice(2)], [month, widths], [day, widths.slice(0, 2)], [year, widths.slice(0, 2)]].map(([width, list]) => (width === undefined ? 0 : list.indexOf(width) + 1 || NaN));
    const [w, m, d, y] = places;
    return era !== undefined || Number.isNaN(w + m + d + y) ? -1 : ((w * 5 + m) * 3 + d) * 3 + y;
}

function timeShape({ timeStyle, hour, minute, second, hour12, hourCycle, fractionalSecondDigits, timeZoneName, dayPeriod, usualTime }) {
    if (timeStyle !== undefined) return { medium: 81, short: 82 }[timeStyle] ?? -1;
    const cycle = hour12 ?? { h12: true, h23: false }[hourCycle] ?? hourCycle;
    if ((fractionalSecondDigits ?? timeZoneName ?? dayPeriod) !== undefined || typeof cycle === 'string') return -1;
    const [h, m, s] = [hour, usualTime ? 'numeric' : minute, usualTime ? 'numeric' : second].map((width) => (width === undefined ? 0 : width === 'numeric' ? 1 : 2));
    return ((h * 3 + m) * 3 + s) * 3 + (cycle === undefined ? 0 : cycle ? 1 : 2);
}

// How date and time stand together.
function joinShape({ dateStyle, weekday, month, day, year }) {
    if (dateStyle !== undefined) return STYLES.indexOf(dateStyle);
    if (!month && !day && !year) return 7;
    // Parts of a date beside a time are rare, and every language does something else.
    if (!month || !day) return -1;
    return (month === 'short' ? 4 : month === 'long' ? 5 : 6) + (weekday === undefined ? 0 : 4);
}

const SHAPES = { date: 139, time: 83, join: 11 };

// Refuses what is not written as the language does it.
function needShape(locale, given) {
    const english = isEnglish(locale);
    // English has all names of zones and days, and fractions of seconds.
    if (english) given = { ...given, timeZoneName: undefined, fractionalSecondDigits: undefined, dayPeriod: undefined, era: undefined, timeStyle: given.timeStyle && (given.timeStyle === 'short' ? 'short' : 'medium') };
    const bits = forLocale(RIGHT_SHAPES, locale, '');
    const right = (place) => (Number.parseInt(bits[place >> 2] ?? '0', 16) >> (3 - (place & 3))) & 1;
    const [date, time] = [dateShape(given), timeShape(given)];
    const join = joinShape(given);
    if (english && (date < 0 || time < 0 || (date > 0 && time > 2 && join < 0))) return;
    const both = date !== 0 && time > 2;
    const fits = date >= 0 && time >= 0 && (date === 0 || right(date)) && (time < 3 || right(SHAPES.date + time)) && (!both || (join >= 0 && right(SHAPES.date + SHAPES.time + join)));
    if (!fits) throw noData(locale, 'Dates and times of this form');
}

function dateParts(date, settings) {
    const zone = zoneOf(settings.timeZone, date.getTime());
    if (Number.isNaN(date.getTime())) return [{ type: 'literal', value: 'Invalid Date' }];
    const local = new EngineDate(date.getTime() + zone.offset * 1000);
    const day = dayParts(local, settings);
    const time = timeParts(local, settings, zone);
    if (day.length === 0 || time.length === 0) return [...day, ...time];
    const { given, forms, words } = settings;
    const named = given.month === 'long' && given.dateStyle !== 'medium';
    const onlyWeekday = given.weekday && !given.year && !given.month && !given.day;
    const inWords = given.month !== undefined && !/numeric|2-digit/.test(given.month) && given.dateStyle !== 'short';
    const joiner = named ? words.at : onlyWeekday ? (forms.weekdayTime ?? ' ') : ((inWords && forms.namedJoiner) || forms.joiner);
    return joinLiterals([...day, { type: 'literal', value: joiner }, ...time]);
}

function joinLiterals(parts) {
    const joined = [];
    for (const part of parts) {
        const last = joined[joined.length - 1];
        if (part.type === 'literal' && last?.type === 'literal') joined[joined.length - 1] = { type: 'literal', value: last.value + part.value };
        else joined.push(part);
    }
    return joined;
}

const twoDigits = (value) => String(value % 100).padStart(2, '0');

const PATTERN_WORDS = /(?<![a-z])[a-zA-Z](?![a-z])|[^a-zA-Z]+|[a-zA-Z]+/g;
const patternWords = new Map();

// Writes a pattern: letters that `fields` knows are fields, all others stand for themselves.
function patternParts(pattern, fields) {
    if (!patternWords.has(pattern)) patternWords.set(pattern, pattern.match(PATTERN_WORDS));
    const parts = [];
    for (const word of patternWords.get(pattern)) {
        if (word.length === 1 && word in fields) parts.push(...[fields[word]].flat());
        else parts.push({ type: 'literal', value: word });
    }
    return joinLiterals(parts);
}

function dayParts(date, settings) {
    const { given, forms, words } = settings;
    if (!given.weekday && !given.year && !given.month && !given.day) return [];
    const [year, month, day] = [date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate()];
    const weekday = given.weekday && { type: 'weekday', value: nameOf(given.weekday, date.getUTCDay(), words.days, words.shortDays) };
    const numeric = given.month === undefined || given.month === '2-digit' || given.month === 'numeric';
    const fields = {
        __proto__: null,
        y: { type: 'year', value: given.year === '2-digit' ? twoDigits(year) : String(year) },
        Y: { type: 'year', value: twoDigits(year) },
        m: { type: 'month', value: given.month === '2-digit' ? twoDigits(month) : String(month) },
        M: { type: 'month', value: twoDigits(month) },
        d: { type: 'day', value: given.day === '2-digit' || (forms.paddedDay && (given.month === 'short' || given.dateStyle || (given.weekday && !given.year))) ? twoDigits(day) : String(day) },
        D: { type: 'day', value: twoDigits(day) }
    };
    if (given.dateStyle === 'short') return patternParts(forms.short, fields);
    if (given.dateStyle === 'medium' && forms.medium) return patternParts(forms.medium, fields);
    const rest = numeric ? figureDay(given, forms, fields) : namedDay(given, settings, fields, month);
    if (!weekday) return rest;
    if (rest.length === 0) return [weekday];
    if (numeric) return [weekday, { type: 'literal', value: ', ' }, ...rest];
    const short = given.weekday !== 'long' && words.weekdayShort !== undefined;
    // Some regions leave the comma out, some of the time.
    const close = forms.closeWeekday?.includes(given.dateStyle ?? `${given.weekday}${given.year ? ' year' : ''}`);
    return patternParts(close ? 'w r' : short ? words.weekdayShort : words.weekday, { __proto__: null, w: weekday, r: rest });
}

function figureDay(given, forms, fields) {
    const { year, month, day } = given;
    if (year && month && day) return patternParts((year === '2-digit' && month === 'numeric' && forms.shortYear) || forms.whole, fields);
    if (month && day) return patternParts((month === '2-digit' && day === '2-digit' && forms.paddedMonthDay) || forms.monthDay, fields);
    if (year && month) return patternParts(forms.yearMonth, fields);
    const one = year ? fields.y : month ? fields.m : day ? fields.d : undefined;
    return one ? (year && day ? [fields.y, { type: 'literal', value: ' ' }, fields.d] : [one]) : [];
}

function namedDay(given, { forms, words }, fields, month) {
    const full = given.day || given.year ? forms.fullMonths?.[month - 1] : undefined;
    const own = given.month === 'short' && words === ENGLISH ? (full ?? forms.shortMonths?.[month - 1]) : undefined;
    const name = { type: 'month', value: own ?? nameOf(given.month, month - 1, words.months, words.shortMonths) };
    const all = { ...fields, n: name, __proto__: null };
    const { year, day } = given;
    const american = words === ENGLISH && forms.monthFirst;
    const short = given.month !== 'long' && words.shortPlain;
    if (year && day) return patternParts(american ? 'n d, y' : short ? 'd n y' : words.whole, all);
    if (day) return patternParts(american ? 'n d' : short ? 'd n' : words.monthDay, all);
    if (year) return patternParts(short ? 'n y' : words.yearMonth, all);
    return [name];
}

function nameOf(width, index, long, short) {
    return width === 'long' ? long[index] : width === 'narrow' ? long[index][0].toUpperCase() : short[index];
}

function timeParts(date, { given, forms, locale }, zone) {
    const zoneName = given.timeZoneName && { type: 'timeZoneName', value: zoneText(zone, given.timeZoneName, locale) };
    const parts = [];
    const add = (type, value, separator) => {
        if (parts.length > 0) parts.push({ type: 'literal', value: separator });
        parts.push({ type, value });
    };
    const cycle = hourCycle(given, forms);
    const half = cycle === 'h12' || cycle === 'h11';
    const hours = date.getUTCHours();
    const shown = cycle === 'h12' ? hours % 12 || 12 : cycle === 'h11' ? hours % 12 : cycle === 'h24' ? hours || 24 : hours;
    if (given.hour) add('hour', given.hour === '2-digit' || (!half && (forms.half || (forms.padded && !(forms.loose && given.loose && given.minute)))) ? twoDigits(shown) : String(shown), '');
    // Minutes and seconds are padded beside another field only.
    if (given.minute) add('minute', given.hour || given.second ? twoDigits(date.getUTCMinutes()) : String(date.getUTCMinutes()), forms.point);
    if (given.second) add('second', given.minute || given.hour ? twoDigits(date.getUTCSeconds()) : String(date.getUTCSeconds()), forms.point);
    if (given.fractionalSecondDigits) add('fractionalSecond', String(date.getUTCMilliseconds()).padStart(3, '0').slice(0, given.fractionalSecondDigits), forms.fraction ?? '.');
    if (half && given.hour) add('dayPeriod', forms.am[hours < 12 ? 0 : 1], ' ');
    if (zoneName) add(zoneName.type, zoneName.value, ' ');
    return parts;
}

function hourCycle(given, forms) {
    if (given.hour12 !== undefined) return given.hour12 ? 'h12' : 'h23';
    return given.hourCycle ?? (forms.half ? 'h12' : 'h23');
}

function formatDate(date, locales, options, wanted, usual) {
    return textOfParts(dateParts(date, dateSettings(locales, options, wanted, usual)));
}

// Two dates of one format, written once where they are the same.
function dateRange(from, to, settings) {
    const [first, last] = [dateParts(from, settings), dateParts(to, settings)];
    if (textOfParts(first) === textOfParts(last)) return textOfParts(first);
    const { given, words, forms, locale } = settings;
    if (!isEnglish(locale)) throw noData(locale, 'Ranges of dates');
    const zone = zoneOf(settings.timeZone, from.getTime());
    const local = (date) => new EngineDate(date.getTime() + zone.offset * 1000);
    const same = (name) => local(from)[name]() === local(to)[name]();
    const named = given.month === 'long' || given.month === 'short';
    const days = named && given.day && !given.weekday && !given.hour && same('getUTCFullYear');
    if (days && words === ENGLISH && forms.monthFirst) {
        const day = (date) => String(local(date).getUTCDate());
        const month = first[0].value;
        const end = same('getUTCMonth') ? day(to) : `${last[0].value} ${day(to)}`;
        return `${month} ${day(from)}\u2009–\u2009${end}${given.year ? `, ${local(to).getUTCFullYear()}` : ''}`;
    }
    return `${textOfParts(first)}\u2009–\u2009${textOfParts(last)}`;
}
