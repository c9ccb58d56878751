// How languages and regions write numbers and dates. English is whole; of others the forms in figures are there, and
// for nine of them the names of months and days. What is not there is refused: `locale-tables.js` knows what agrees with Node.
// Languages that Node does not know either are written as in America.

// Numbers: sign of decimals, of thousands, place of the currency (`#` number, `c` currency), percent, smallest number of
// digits before the first group, minus sign. `money` says what is another one in amounts of it.
const ENGLISH_NUMBERS = { decimal: '.', group: ',', currency: 'c#', percent: '#%', grouped: 1, minus: '-' };
const numbersOf = (group, decimal, currency, percent, grouped = 1, minus = '-') => ({ decimal, group, currency, percent, grouped, minus });
const DOTTED = numbersOf('.', ',', '#\u00a0c', '#\u00a0%');
const SPACED = numbersOf('\u00a0', ',', '#\u00a0c', '#\u00a0%');
const NORDIC = numbersOf('\u00a0', ',', '#\u00a0c', '#\u00a0%', 1, '\u2212');
const NUMBERS = {
    __proto__: null,
    en: ENGLISH_NUMBERS, 'en-ZA': numbersOf('\u00a0', ',', 'c#', '#%'), 'en-IN': { ...ENGLISH_NUMBERS, lakhs: true }, 'en-AU': { ...ENGLISH_NUMBERS, exponent: 'e' },
    de: DOTTED, 'de-AT': { ...numbersOf('\u00a0', ',', 'c\u00a0#', '#\u00a0%'), money: { group: '.' } }, 'de-CH': { ...numbersOf("'", '.', 'c\u00a0#', '#%'), signInside: true },
    fr: numbersOf('\u202f', ',', '#\u00a0c', '#\u00a0%'), 'fr-CA': SPACED, 'fr-CH': { ...numbersOf("'", ',', '#\u00a0c', '#%'), money: { decimal: '.' } },
    es: { ...DOTTED, grouped: 2 }, 'es-MX': ENGLISH_NUMBERS, 'es-AR': numbersOf('.', ',', 'c\u00a0#', '#%'), 'es-CO': numbersOf('.', ',', 'c\u00a0#', '#%'),
    it: { ...DOTTED, percent: '#%', grouped: 2 }, pt: numbersOf('.', ',', 'c\u00a0#', '#%'), 'pt-PT': numbersOf('\u00a0', ',', '#\u00a0c', '#%', 2),
    nl: numbersOf('.', ',', 'c\u00a0#', '#%'), sv: NORDIC, lt: NORDIC, nb: NORDIC, no: NORDIC, fi: NORDIC, da: DOTTED, pl: { ...SPACED, percent: '#%', grouped: 2 },
    cs: SPACED, sk: SPACED, ru: SPACED, uk: { ...SPACED, percent: '#%' }, hu: { ...SPACED, percent: '#%', grouped: 2 }, ro: DOTTED, tr: numbersOf('.', ',', 'c#', '%#'),
    el: { ...DOTTED, percent: '#%' }, id: numbersOf('.', ',', 'c#', '#%'), vi: { ...DOTTED, percent: '#%' }, ja: ENGLISH_NUMBERS, zh: ENGLISH_NUMBERS, ko: ENGLISH_NUMBERS
};

// Dates in figures: year, month and day; month and day; year and month; the short style. `D` and `M` are two digits
// whatever is asked for, `Y` the last two of the year. Then what stands between date and time, and the clock.
const datesOf = (whole, monthDay, yearMonth, short, more) => ({ whole, monthDay, yearMonth, short, joiner: ', ', half: false, padded: true, point: ':', am: ['AM', 'PM'], ...more });
const HALF = { half: true, padded: false };
const LOWER = { ...HALF, am: ['am', 'pm'] };
const SPACE = { joiner: ' ' };
// English with a clock of 24 hours: hours lose their zero beside minutes of two digits that were asked for.
const LOOSE = { am: ['am', 'pm'], loose: true, shortMonths: { 8: 'Sept' } };
const SEPT = { ...LOWER, shortMonths: { 8: 'Sept' } };
const AMERICAN = datesOf('m/d/y', 'm/d', 'm/y', 'm/d/Y', { ...HALF, monthFirst: true });
const EUROPEAN = datesOf('D/M/y', 'D/M', 'M/y', 'D/M/y');
const DATES = {
    __proto__: null,
    en: AMERICAN, 'en-GB': { ...EUROPEAN, ...LOOSE, closeWeekday: ['short', 'long'] }, 'en-AU': datesOf('D/M/y', 'd/m', 'M/y', 'd/m/Y', { ...SEPT, closeWeekday: ['long year', 'long'], shortYear: 'd/m/Y', fullMonths: { 5: 'June', 6: 'July' } }), 'en-NZ': datesOf('d/M/y', 'd/m', 'M/y', 'D/M/y', SEPT),
    'en-IE': datesOf('d/m/y', 'd/m', 'M/y', 'D/M/y', { ...LOOSE, closeWeekday: ['full', 'long year'] }), 'en-CA': datesOf('y-M-D', 'M-D', 'y-M', 'y-M-D', { ...HALF, monthFirst: true, am: ['a.m.', 'p.m.'] }),
    'en-ZA': datesOf('y/M/D', 'M/D', 'M/y', 'y/M/D', { ...LOOSE, paddedDay: true, paddedMonthDay: 'D/M', fraction: ',' }), 'en-IN': datesOf('d/m/y', 'D/M', 'M/y', 'D/M/Y', { ...SEPT, weekdayTime: ', ' }), 'en-SG': datesOf('D/M/y', 'D/M', 'M/y', 'd/m/Y', { ...SEPT, shortYear: 'd/m/Y' }),
    de: datesOf('d.m.y', 'd.m.', 'm/y', 'D.M.Y', { medium: 'D.M.y' }), fr: { ...EUROPEAN, ...SPACE, namedJoiner: ', ' }, 'fr-CA': datesOf('y-M-D', 'M-D', 'y-M', 'y-M-D', SPACE), 'fr-CH': datesOf('D.M.y', 'D.M.', 'M.y', 'D.M.Y', SPACE),
    es: datesOf('d/m/y', 'd/m', 'm/y', 'd/m/Y', { padded: false }), 'es-MX': datesOf('d/m/y', 'd/m', 'm/y', 'D/M/Y', { ...HALF, am: ['a.m.', 'p.m.'] }),
    it: { ...EUROPEAN, short: 'D/M/Y' }, pt: EUROPEAN, 'pt-PT': { ...EUROPEAN, short: 'D/M/Y', medium: 'D/M/y' }, nl: datesOf('d-m-y', 'd-m', 'm-y', 'D-M-y'), 'nl-BE': datesOf('d/m/y', 'd/m', 'm/y', 'd/M/y'),
    sv: datesOf('y-M-D', 'd/m', 'y-M', 'y-M-D', SPACE), da: datesOf('d.m.y', 'd.m', 'm.y', 'D.M.y', { point: '.' }), nb: datesOf('d.m.y', 'd.m.', 'm.y', 'D.M.y'), no: datesOf('d.m.y', 'd.m.', 'm.y', 'D.M.y'),
    fi: datesOf('d.m.y', 'd.m.', 'm.y', 'd.m.y', { joiner: ' klo ', point: '.', padded: false }), pl: datesOf('d.M.y', 'd.M', 'M.y', 'd.M.y'), cs: datesOf('d. m. y', 'd. m.', 'm/y', 'D.M.Y', { ...SPACE, padded: false }),
    ru: datesOf('D.M.y', 'D.M', 'M.y', 'D.M.y'), uk: datesOf('D.M.y', 'D.M', 'M.y', 'D.M.Y'), ro: datesOf('D.M.y', 'D.M', 'M.y', 'D.M.y'), tr: datesOf('D.M.y', 'd/m', 'M/y', 'd.M.y', SPACE),
    hu: datesOf('y. M. D.', 'm. d.', 'y. m.', 'y. M. D.', { ...SPACE, padded: false }), lt: datesOf('y-M-D', 'M-d', 'y-M', 'y-M-D', SPACE), ja: datesOf('y/m/d', 'm/d', 'y/m', 'y/M/D', { ...SPACE, padded: false }),
    zh: datesOf('y/m/d', 'm/d', 'y/m', 'y/m/d', SPACE), ko: datesOf('y. m. d.', 'm. d.', 'y. m.', 'Y. m. d.', { ...SPACE, half: true, padded: false })
};

// Names, and how day, month and year stand together with them: `d` `n` `y`, and the weekday `w` before it. Then what
// stands between such a date and a time.
const wordsOf = (months, shortMonths, days, shortDays, more) => ({
    months: months.split(' '), shortMonths: shortMonths.split(' '), days: days.split(' '), shortDays: shortDays.split(' '),
    whole: 'd n y', monthDay: 'd n', yearMonth: 'n y', weekday: 'w r', at: ', ', ...more
});
const LATIN_DAYS = { whole: 'd de n de y', monthDay: 'd de n', yearMonth: 'n de y', weekday: 'w, r' };
const ENGLISH = wordsOf(
    'January February March April May June July August September October November December', 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec',
    'Sunday Monday Tuesday Wednesday Thursday Friday Saturday', 'Sun Mon Tue Wed Thu Fri Sat', { weekday: 'w, r', at: ' at ' }
);
const WORDS = {
    __proto__: null,
    en: ENGLISH,
    de: wordsOf('Januar Februar März April Mai Juni Juli August September Oktober November Dezember', 'Jan. Feb. März Apr. Mai Juni Juli Aug. Sept. Okt. Nov. Dez.', 'Sonntag Montag Dienstag Mittwoch Donnerstag Freitag Samstag', 'So. Mo. Di. Mi. Do. Fr. Sa.', { whole: 'd. n y', monthDay: 'd. n', weekday: 'w, r', at: ' um ' }),
    fr: wordsOf('janvier février mars avril mai juin juillet août septembre octobre novembre décembre', 'janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.', 'dimanche lundi mardi mercredi jeudi vendredi samedi', 'dim. lun. mar. mer. jeu. ven. sam.', { at: ' à ' }),
    es: wordsOf('enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre', 'ene feb mar abr may jun jul ago sept oct nov dic', 'domingo lunes martes miércoles jueves viernes sábado', 'dom lun mar mié jue vie sáb', { ...LATIN_DAYS, shortPlain: true, at: ' a las ' }),
    it: wordsOf('gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre', 'gen feb mar apr mag giu lug ago set ott nov dic', 'domenica lunedì martedì mercoledì giovedì venerdì sabato', 'dom lun mar mer gio ven sab', { at: ' alle ore ' }),
    pt: wordsOf('janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro', 'jan. fev. mar. abr. mai. jun. jul. ago. set. out. nov. dez.', 'domingo segunda-feira terça-feira quarta-feira quinta-feira sexta-feira sábado', 'dom. seg. ter. qua. qui. sex. sáb.', { ...LATIN_DAYS, at: ' às ' }),
    nl: wordsOf('januari februari maart april mei juni juli augustus september oktober november december', 'jan feb mrt apr mei jun jul aug sep okt nov dec', 'zondag maandag dinsdag woensdag donderdag vrijdag zaterdag', 'zo ma di wo do vr za', { at: ' om ' }),
    sv: wordsOf('januari februari mars april maj juni juli augusti september oktober november december', 'jan. feb. mars apr. maj juni juli aug. sep. okt. nov. dec.', 'söndag måndag tisdag onsdag torsdag fredag lördag', 'sön mån tis ons tors fre lör', { at: ' kl. ' }),
    da: wordsOf('januar februar marts april maj juni juli august september oktober november december', 'jan. feb. mar. apr. maj jun. jul. aug. sep. okt. nov. dec.', 'søndag mandag tirsdag onsdag torsdag fredag lørdag', 'søn. man. tirs. ons. tors. fre. lør.', { whole: 'd. n y', monthDay: 'd. n', weekday: 'w den r', weekdayShort: 'w r', at: ' kl. ' }),
    nb: wordsOf('januar februar mars april mai juni juli august september oktober november desember', 'jan. feb. mars apr. mai juni juli aug. sep. okt. nov. des.', 'søndag mandag tirsdag onsdag torsdag fredag lørdag', 'søn. man. tir. ons. tor. fre. lør.', { whole: 'd. n y', monthDay: 'd. n', at: ' kl. ' })
};
WORDS.no = WORDS.nb;

// The names of locales that were asked for, in their canonical form.
function canonicalLocales(locales) {
    if (locales === undefined) return [];
    const list = typeof locales === 'object' && locales !== null && typeof locales[Symbol.iterator] === 'function' ? [...locales] : [locales];
    return list.map((locale) => {
        if (typeof locale !== 'string' && (typeof locale !== 'object' || locale === null)) throw new TypeError('Incorrect locale information provided');
        const parts = String(locale).split('-');
        if (!/^([a-z]{2,3}|[a-z]{5,8})$/i.test(parts[0]) || parts.some((part) => !/^[a-z0-9]{1,8}$/i.test(part))) throw new RangeError(`Incorrect locale information provided`);
        let extended = false;
        return parts
            .map((part, index) => {
                extended ||= index > 0 && part.length === 1;
                if (index === 0 || extended) return part.toLowerCase();
                if (part.length === 4 && /^[a-z]+$/i.test(part)) return part[0].toUpperCase() + part.slice(1).toLowerCase();
                return /^([a-z]{2}|\d{3})$/i.test(part) ? part.toUpperCase() : part.toLowerCase();
            })
            .join('-');
    });
}

const DEFAULT_LOCALE = 'en-US';

const isEnglish = (locale) => /^en(-|$)/.test(locale);

// The refusal of what another platform writes in a language and this one cannot.
function noData(locale, what) {
    return new RangeError(`${what} are not available for the locale '${locale}' here: ${isEnglish(locale) ? '' : "use 'en-US', or "}write them in the function itself`);
}

// Refuses a locale that has forms of its own which are not here.
function needForms(locale, elsewhere, what) {
    const [language, ...rest] = locale.split('-');
    const region = rest.find((part) => /^([A-Z]{2}|\d{3})$/.test(part));
    if (LANGUAGES_ELSEWHERE.includes(` ${language} `) || rest.includes('Hant') || (region !== undefined && elsewhere[language]?.split(' ').includes(region))) throw noData(locale, what);
}

// The first locale that is known here or elsewhere, and what a table has for it.
const isKnown = (locale) => locale.split('-')[0] in NUMBERS || locale.split('-')[0] in DATES || LANGUAGES_ELSEWHERE.includes(` ${locale.split('-')[0]} `);

function resolveLocale(locales) {
    const found = canonicalLocales(locales).find(isKnown);
    return (found ?? DEFAULT_LOCALE).replace(/-[a-z0-9](-.*)?$/, '');
}

// What the name of a locale says beside language and region (`en-GB-u-hc-h12`), if it is one of these words.
function extension(locales, key, words) {
    const locale = canonicalLocales(locales).find(isKnown) ?? '';
    const found = new RegExp(`-u(?:-[a-z0-9]+)*?-${key}-([a-z0-9]+)`).exec(locale)?.[1];
    return words.includes(found) ? found : undefined;
}

function forLocale(table, locale, otherwise) {
    const [language, ...rest] = locale.split('-');
    const region = rest.find((part) => /^([A-Z]{2}|\d{3})$/.test(part));
    return table[`${language}-${region}`] ?? table[language] ?? otherwise;
}

// One of the words that an option may have.
function option(options, name, words, otherwise) {
    const value = options?.[name];
    if (value === undefined) return otherwise;
    const text = String(value);
    if (!words.includes(text)) throw new RangeError(`Value ${text} out of range for Intl options property ${name}`);
    return text;
}

function numberOption(options, name, least, most, otherwise) {
    const value = options?.[name];
    if (value === undefined) return otherwise;
    const number = Math.floor(Number(value));
    if (!(number >= least && number <= most)) throw new RangeError(`${name} value is out of range.`);
    return number;
}

const SETTINGS_KEPT = 64;

// Settings made from the same locale and options, which loops ask for again and again, are made once.
function keptSettings(kept, make) {
    return (locales, options, ...more) => {
        const simple = (value) => value === undefined || typeof value === 'string' || (typeof value === 'object' && value !== null && Reflect.getPrototypeOf(value) === Object.prototype);
        if (!simple(locales) || !simple(options)) return make(locales, options, ...more);
        const key = JSON.stringify([locales ?? 0, options ?? 0, ...more]);
        const known = kept.get(key);
        if (known !== undefined) return known;
        const made = make(locales, options, ...more);
        if (kept.size >= SETTINGS_KEPT) kept.clear();
        kept.set(key, made);
        return made;
    };
}
