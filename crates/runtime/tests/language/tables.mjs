// Writes `js/locale-tables.js`: what of the forms of other languages than English agrees with this Node. Run it after changing
// `js/locales.js`, `js/intl-*.js` or the version of Node: `node crates/runtime/tests/language/tables.mjs`.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';

process.env.TZ = 'UTC';
const folder = path.join(import.meta.dirname, '..', '..', 'js');
const file = path.join(folder, 'locale-tables.js');
const head = '// Written by `tests/language/tables.mjs`: what Node knows about languages, and what of ours agrees with it.\n';

// The files as the prelude has them, with the little that they need of it.
async function load(tables) {
    const parts = await Promise.all(['locales.js', 'intl-numbers.js', 'intl-zones.js', 'intl-dates.js'].map((name) => readFile(path.join(folder, name), 'utf8')));
    const body = `const EngineDate = Date; const primitive = (value) => value.valueOf(); const native = {};\n${[parts[0], tables, ...parts.slice(1)].join('\n')}\nreturn { NUMBERS, DATES, SHAPES, STYLES, UNITS, dateShape, timeShape, joinShape, currencySign, numberSettings, formatNumber, formatDate };`;
    return new Function(body)();
}

const empty = { LANGUAGES_ELSEWHERE: ' ', NUMBERS_ELSEWHERE: {}, DATES_ELSEWHERE: {}, LOCAL_SIGNS: {}, LOCAL_NARROW_SIGNS: {}, UNITS_ELSEWHERE: {}, RIGHT_SHAPES: {} };
const written = (tables) => Object.entries(tables).map(([name, value]) => `const ${name} = ${typeof value === 'string' ? `'${value}'` : `{\n    __proto__: null,\n${Object.entries(value).map(([key, text]) => `    ${/^\w+$/.test(key) ? key : `'${key}'`}: '${text}'`).join(',\n')}\n}`};\n`).join('');
const attempt = (work) => {
    try {
        return work();
    } catch (error) {
        return error.name;
    }
};
const letters = [...'abcdefghijklmnopqrstuvwxyz'];
const pairs = letters.flatMap((one) => letters.map((two) => one + two));

// Languages that Node knows and we do not.
const plain = await load(written(empty));
const ours = new Set([...Object.keys(plain.NUMBERS), ...Object.keys(plain.DATES)].map((name) => name.split('-')[0]));
const named = new Set([...pairs, ...pairs.flatMap((pair) => letters.map((letter) => pair + letter))].filter((name) => attempt(() => Intl.NumberFormat.supportedLocalesOf(name)).length === 1));
const tables = { ...empty, LANGUAGES_ELSEWHERE: ` ${[...named].filter((name) => !ours.has(name)).join(' ')} ` };
const locales = [...new Set([...Object.keys(plain.NUMBERS), ...Object.keys(plain.DATES)])];

// Signs of currencies that are others than in English.
for (const [table, currencyDisplay] of [['LOCAL_SIGNS', 'symbol'], ['LOCAL_NARROW_SIGNS', 'narrowSymbol']]) {
    tables[table] = {};
    for (const locale of locales.filter((name) => !name.startsWith('en'))) {
        const differing = Intl.supportedValuesOf('currency').flatMap((currency) => {
            const sign = new Intl.NumberFormat(locale, { style: 'currency', currency, currencyDisplay }).formatToParts(1).find(({ type }) => type === 'currency').value;
            return sign === plain.currencySign({ currency, currencyDisplay, locale }) ? [] : [sign === currency ? currency : `${currency}=${sign}`];
        });
        tables[table][locale] = differing.join('|');
    }
}

// Units that are written otherwise in the regions of English.
for (const locale of locales.filter((name) => name.startsWith('en-'))) {
    const words = Object.keys(plain.UNITS).flatMap((unit) => ['short', 'long', 'narrow'].map((unitDisplay) => ({ style: 'unit', unit, unitDisplay })));
    const wrong = words.filter((options) => [1, 2.5].some((value) => value.toLocaleString(locale, options) !== plain.formatNumber(value, locale, options)));
    tables.UNITS_ELSEWHERE[locale] = ` ${wrong.map(({ unit, unitDisplay }) => `${unit}:${unitDisplay[0]}`).join(' ')} `;
}

// Ways of writing dates and times that agree, as bits.
const MOMENTS = ['2024-03-05T09:04:05Z', '2024-11-20T21:30:00Z', '2023-01-01T00:00:00Z', '2024-07-09T12:00:00Z', '2024-09-30T13:07:09Z', '2024-02-14T01:01:01Z', '2024-04-11T10:10:10Z', '2024-05-18T23:59:59Z', '2024-06-21T06:06:06Z', '2024-08-08T08:08:08Z', '2024-10-12T16:00:00Z', '2024-12-27T20:20:20Z'].map((text) => new Date(text));
const product = (choices) => choices.reduce((made, [name, values]) => made.flatMap((one) => values.map((value) => (value === undefined ? one : { ...one, [name]: value }))), [{}]);
const numeric = [undefined, 'numeric', '2-digit'];
const dates = [...product([['weekday', [undefined, 'short', 'long']], ['month', [...numeric, 'short', 'long']], ['day', numeric], ['year', numeric]]).slice(1), ...plain.STYLES.map((dateStyle) => ({ dateStyle }))];
const times = [...product([['hour', numeric], ['minute', numeric], ['second', numeric], ['hour12', [undefined, true, false]]]).filter(({ hour, minute, second }) => hour ?? minute ?? second), { timeStyle: 'medium' }, { timeStyle: 'short' }];
const clocks = [{ hour: 'numeric', minute: 'numeric' }, { hour: 'numeric', minute: 'numeric', second: 'numeric' }, { hour: '2-digit', minute: '2-digit' }, { hour: 'numeric', minute: '2-digit' }, { hour: '2-digit', minute: '2-digit', second: '2-digit' }];

function shapesOf(module, locale, as = locale) {
    const { SHAPES } = module;
    const bits = new Array(Math.ceil((SHAPES.date + SHAPES.time + SHAPES.join) / 4) * 4).fill(0);
    const agrees = (options) => MOMENTS.every((moment) => moment.toLocaleString(as, options) === attempt(() => module.formatDate(moment, locale, options, 'any', 'both')));
    for (const options of dates) bits[module.dateShape(options)] = agrees(options) ? 1 : 0;
    for (const options of times) bits[SHAPES.date + module.timeShape(options)] = agrees(options) ? 1 : 0;
    for (let place = 0; place < SHAPES.join; place++) {
        const whole = dates.filter((options) => module.joinShape(options) === place && bits[module.dateShape(options)]);
        const both = whole.flatMap((date) => (date.dateStyle ? [{ timeStyle: 'medium' }, { timeStyle: 'short' }] : clocks).filter((time) => bits[SHAPES.date + module.timeShape(time)]).map((time) => ({ ...date, ...time })));
        bits[SHAPES.date + SHAPES.time + place] = both.length > 0 && both.every(agrees) ? 1 : 0;
    }
    return Array.from({ length: bits.length / 4 }, (_, place) => Number.parseInt(bits.slice(place * 4, place * 4 + 4).join(''), 2).toString(16)).join('');
}

// While the bits are made nothing is refused.
const all = Object.fromEntries(locales.map((locale) => [locale, 'f'.repeat(60)]));
const open = await load(written({ ...tables, RIGHT_SHAPES: all }));
for (const locale of locales) tables.RIGHT_SHAPES[locale] = shapesOf(open, locale);

// Regions that Node writes in another way than their language, as far as it is here.
const figures = [0, -5, 0.256, 1234, 1234.5, 12345.678, -1234567.891];
const ways = [{}, { style: 'percent' }, { notation: 'compact' }, { notation: 'scientific' }, ...['USD', 'EUR', 'GBP', 'JPY', 'CHF', 'CAD', 'AUD', 'INR', 'MXN', 'BRL'].map((currency) => ({ style: 'currency', currency }))];
const second = await load(written(tables));
for (const language of ours) {
    for (const pair of pairs) {
        const locale = `${language}-${pair.toUpperCase()}`;
        if (new Intl.NumberFormat(locale).resolvedOptions().locale !== locale) continue;
        const numbers = ways.every((options) => figures.every((value) => [value.toLocaleString(locale, options), 'RangeError'].includes(attempt(() => second.formatNumber(value, locale, options)))));
        const written = [...dates, ...times, ...clocks.map((time) => ({ dateStyle: undefined, year: 'numeric', month: 'numeric', day: 'numeric', ...time }))];
        const days = written.every((options) => MOMENTS.every((moment) => [moment.toLocaleString(locale, options), 'RangeError'].includes(attempt(() => second.formatDate(moment, locale, options, 'any', 'both')))));
        for (const [table, right] of [['NUMBERS_ELSEWHERE', numbers], ['DATES_ELSEWHERE', days]]) if (!right) tables[table][language] = [tables[table][language], pair.toUpperCase()].filter(Boolean).join(' ');
    }
}
await writeFile(file, head + written(tables));
