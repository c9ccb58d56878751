// Numbers for people.

const SIGNS = { __proto__: null, USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', CAD: 'CA$', AUD: 'A$', NZD: 'NZ$', MXN: 'MX$', BRL: 'R$', ILS: '₪', VND: '₫', HKD: 'HK$', TWD: 'NT$', PHP: '₱', XAF: 'FCFA', XOF: 'F\u202fCFA', XCD: 'EC$', XPF: 'CFPF' };
const NARROW_SIGNS = { __proto__: null, CAD: '$', AUD: '$', NZD: '$', MXN: '$', HKD: '$', TWD: '$', SGD: '$', COP: '$', ARS: '$', CLP: '$', CNY: '¥', XCD: '$', PLN: 'zł', SEK: 'kr', NOK: 'kr', DKK: 'kr', ISK: 'kr', CZK: 'Kč', HUF: 'Ft', RUB: '₽', TRY: '₺', UAH: '₴', THB: '฿', NGN: '₦', ZAR: 'R', RON: 'lei', KZT: '₸', GEL: '₾', EGP: 'E£' };
// Where a currency is at home it has a shorter sign.
const HOME_SIGNS = { __proto__: null, 'en-CA': ['CAD', '$'], 'fr-CA': ['CAD', '$'], 'en-AU': ['AUD', '$'], 'en-NZ': ['NZD', '$'], 'en-SG': ['SGD', '$'], 'es-MX': ['MXN', '$'], 'en-ZA': ['ZAR', 'R'], ja: ['JPY', '￥'], zh: ['CNY', '¥'], pl: ['PLN', 'zł'], sv: ['SEK', 'kr'], nb: ['NOK', 'kr'], da: ['DKK', 'kr.'], cs: ['CZK', 'Kč'], hu: ['HUF', 'Ft'], ru: ['RUB', '₽'], tr: ['TRY', '₺'], uk: ['UAH', '₴'], ro: ['RON', 'RON'] };
const CURRENCY_DIGITS = { __proto__: null, JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, PYG: 0, UGX: 0, XAF: 0, XOF: 0, XPF: 0, RWF: 0, KMF: 0, GNF: 0, DJF: 0, BIF: 0, VUV: 0, BHD: 3, KWD: 3, OMR: 3, TND: 3, JOD: 3, LYD: 3, IQD: 3 };
const CURRENCY_NAMES = { __proto__: null, USD: 'US dollar', EUR: 'euro', GBP: 'British pound', JPY: 'Japanese yen', CAD: 'Canadian dollar', AUD: 'Australian dollar', NZD: 'New Zealand dollar', CHF: 'Swiss franc', INR: 'Indian rupee', CNY: 'Chinese yuan', BRL: 'Brazilian real', MXN: 'Mexican peso', SEK: 'Swedish krona', NOK: 'Norwegian krone', DKK: 'Danish krone', PLN: 'Polish zloty', SGD: 'Singapore dollar', HKD: 'Hong Kong dollar', ZAR: 'South African rand', KRW: 'South Korean won', ILS: 'Israeli new shekel' };
const SAME_PLURAL = ['JPY', 'CNY', 'KRW', 'ZAR'];
const NAME_PLURALS = { __proto__: null, SEK: 'Swedish kronor', NOK: 'Norwegian kroner', DKK: 'Danish kroner', BRL: 'Brazilian reals', PLN: 'Polish zlotys', ILS: 'Israeli new shekels' };
// Units: short, long, narrow.
const UNITS = { __proto__: null, bit: ' bit', byte: ' byte', kilobyte: ' kB', megabyte: ' MB', gigabyte: ' GB', terabyte: ' TB', petabyte: ' PB', percent: '%', celsius: '°C', fahrenheit: '°F', degree: ' deg', meter: ' m', kilometer: ' km', centimeter: ' cm', millimeter: ' mm', mile: ' mi', foot: ' ft', inch: ' in', yard: ' yd', gram: ' g', kilogram: ' kg', pound: ' lb', ounce: ' oz', stone: ' st', liter: ' L', milliliter: ' mL', gallon: ' gal', 'fluid-ounce': ' fl oz', acre: ' ac', hectare: ' ha', second: ' sec', minute: ' min', hour: ' hr', day: ' day', week: ' wk', month: ' mth', year: ' yr', millisecond: ' ms', microsecond: ' μs', nanosecond: ' ns' };
const PLURAL_UNITS = { __proto__: null, day: 'days', week: 'wks', month: 'mths', year: 'yrs' };
const LONG_UNITS = { __proto__: null, celsius: ['degree Celsius', 'degrees Celsius'], fahrenheit: ['degree Fahrenheit', 'degrees Fahrenheit'], foot: ['foot', 'feet'], inch: ['inch', 'inches'], percent: ['percent', 'percent'], stone: ['stone', 'stones'], 'fluid-ounce': ['fluid ounce', 'fluid ounces'] };
const COMPACT = { short: ['', 'K', 'M', 'B', 'T'], long: ['', ' thousand', ' million', ' billion', ' trillion'] };
const ROUNDING_MODES = ['ceil', 'floor', 'expand', 'trunc', 'halfCeil', 'halfFloor', 'halfExpand', 'halfTrunc', 'halfEven'];

const numberSettings = keptSettings(new Map(), makeNumberSettings);

function makeNumberSettings(locales, options) {
    const locale = resolveLocale(locales);
    const style = option(options, 'style', ['decimal', 'percent', 'currency', 'unit'], 'decimal');
    const currency = options?.currency === undefined ? undefined : String(options.currency).toUpperCase();
    if (currency !== undefined && !/^[A-Z]{3}$/.test(currency)) throw new RangeError(`Invalid currency code : ${options.currency}`);
    if (style === 'currency' && currency === undefined) throw new TypeError('Currency code is required with currency style.');
    const unit = options?.unit === undefined ? undefined : String(options.unit);
    if (unit !== undefined && !unit.split('-per-').every((one) => one in UNITS)) throw new RangeError(`Invalid unit argument for Intl.NumberFormat() '${unit}'`);
    if (style === 'unit' && unit === undefined) throw new TypeError('Required option "unit" must not be undefined');
    const notation = option(options, 'notation', ['standard', 'scientific', 'engineering', 'compact'], 'standard');
    const usual = style === 'currency' && notation === 'standard' ? (CURRENCY_DIGITS[currency] ?? 2) : 0;
    const settings = {
        locale, style, currency, unit, notation,
        numbers: forLocale(NUMBERS, locale, ENGLISH_NUMBERS),
        currencyDisplay: option(options, 'currencyDisplay', ['code', 'symbol', 'narrowSymbol', 'name'], 'symbol'),
        currencySign: option(options, 'currencySign', ['standard', 'accounting'], 'standard'),
        unitDisplay: option(options, 'unitDisplay', ['short', 'narrow', 'long'], 'short'),
        compactDisplay: option(options, 'compactDisplay', ['short', 'long'], 'short'),
        signDisplay: option(options, 'signDisplay', ['auto', 'never', 'always', 'exceptZero', 'negative'], 'auto'),
        roundingMode: option(options, 'roundingMode', ROUNDING_MODES, 'halfExpand'),
        trailingZeroDisplay: option(options, 'trailingZeroDisplay', ['auto', 'stripIfInteger'], 'auto'),
        wholeDigits: numberOption(options, 'minimumIntegerDigits', 1, 21, 1)
    };
    const grouping = options?.useGrouping;
    settings.grouping = grouping === undefined ? (notation === 'compact' ? 'min2' : 'auto') : grouping === false || grouping === 'false' ? false : grouping === true || grouping === 'true' ? 'always' : option(options, 'useGrouping', ['min2', 'auto', 'always'], 'auto');
    return Object.assign(settings, digitSettings(options, settings, usual));
}

// How many digits: significant ones, or those of the fraction.
function digitSettings(options, { style, notation }, usual) {
    if (options?.minimumSignificantDigits !== undefined || options?.maximumSignificantDigits !== undefined) {
        const least = numberOption(options, 'minimumSignificantDigits', 1, 21, 1);
        return { significant: [least, numberOption(options, 'maximumSignificantDigits', least, 21, 21)] };
    }
    const usualMost = notation === 'compact' ? 0 : style === 'decimal' || style === 'unit' ? 3 : notation === 'standard' ? usual : 3;
    let least = numberOption(options, 'minimumFractionDigits', 0, 100, undefined);
    let most = numberOption(options, 'maximumFractionDigits', 0, 100, undefined);
    if (notation === 'compact' && least === undefined && most === undefined) return { compactRounding: true };
    if (least === undefined) least = Math.min(usual, most ?? usual);
    else if (most === undefined) most = Math.max(usualMost, least);
    most ??= Math.max(usualMost, least);
    if (least > most) throw new RangeError('maximumFractionDigits value is out of range.');
    return { fraction: [least, most] };
}

// A number as sign, digits and how many of them stand before the decimals; nothing is lost on the way.
function exactDecimal(value) {
    if (typeof value === 'object' && value !== null) value = primitive(value);
    if (typeof value === 'string') {
        const text = value.trim();
        if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(text)) return exactDecimal(Number(value));
        return decimalOf(text);
    }
    if (typeof value === 'bigint') return decimalOf(String(value));
    const number = Number(value);
    if (!Number.isFinite(number)) return { negative: number < 0, special: Number.isNaN(number) ? 'NaN' : '∞', digits: '', point: 0 };
    return decimalOf(Object.is(number, -0) ? '-0' : String(number));
}

function decimalOf(text) {
    const [, sign, whole = '', fraction = '', exponent = '0'] = /^([+-]?)(\d*)\.?(\d*)(?:e([+-]?\d+))?$/i.exec(text);
    const digits = whole + fraction;
    const lead = /^0*/.exec(digits)[0].length;
    return { negative: sign === '-', digits: digits.slice(lead).replace(/0+$/, ''), point: whole.length + Number(exponent) - lead };
}

// Keeps so many digits, counted from the first; `keep` may be zero or less.
function roundDecimal({ digits, point, ...rest }, keep, mode) {
    if (keep >= digits.length) return { ...rest, digits, point };
    const dropped = keep < 0 ? `0${digits}` : digits.slice(keep);
    const kept = keep <= 0 ? '' : digits.slice(0, keep);
    const half = dropped[0] > '5' || (dropped[0] === '5' && /[1-9]/.test(dropped.slice(1))) ? 1 : dropped[0] === '5' ? 0 : -1;
    const odd = kept !== '' && Number(kept[kept.length - 1]) % 2 === 1;
    const up = { __proto__: null, ceil: !rest.negative, floor: rest.negative, expand: true, trunc: false, halfExpand: half >= 0, halfTrunc: half > 0, halfCeil: half > 0 || (half === 0 && !rest.negative), halfFloor: half > 0 || (half === 0 && rest.negative), halfEven: half > 0 || (half === 0 && odd) }[mode];
    if (!up || digits === '') return { ...rest, digits: kept.replace(/0+$/, ''), point };
    const raised = String(BigInt(kept || '0') + 1n);
    return { ...rest, digits: raised.replace(/0+$/, ''), point: point - keep + raised.length };
}

function roundedParts(decimal, settings) {
    const { significant, fraction, compactRounding, roundingMode } = settings;
    let least = 0;
    let rounded;
    if (significant) {
        rounded = roundDecimal(decimal, significant[1], roundingMode);
        least = Math.max(0, significant[0] - (rounded.digits === '' ? 1 : rounded.point));
    } else if (compactRounding) {
        rounded = roundDecimal(decimal, decimal.point < 2 ? 2 : decimal.point, roundingMode);
    } else {
        rounded = roundDecimal(decimal, decimal.point + fraction[1], roundingMode);
        least = fraction[0];
    }
    const { digits, point } = rounded;
    const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
    let part = point >= digits.length ? '' : point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
    part = part.padEnd(least, '0');
    if (settings.trailingZeroDisplay === 'stripIfInteger' && /^0*$/.test(part)) part = '';
    return { whole: whole.padStart(settings.wholeDigits, '0'), part, zero: digits === '', rounded };
}

function grouped(whole, { numbers, grouping }) {
    const smallest = grouping === 'always' ? 1 : grouping === 'min2' ? 2 : numbers.grouped;
    if (grouping === false || whole.length < 3 + smallest) return [whole];
    const groups = [whole.slice(-3)];
    for (let end = whole.length - 3; end > 0; end -= numbers.lakhs ? 2 : 3) groups.unshift(whole.slice(Math.max(0, end - (numbers.lakhs ? 2 : 3)), end));
    return groups;
}

// Digits with their signs, as parts.
function figureParts(decimal, settings) {
    const parts = [];
    let suffix = '';
    let exponent;
    if (decimal.special) return { parts: [{ type: decimal.special === 'NaN' ? 'nan' : 'infinity', value: decimal.special }], suffix, zero: false };
    let figures = { ...decimal, point: settings.style === 'percent' ? decimal.point + 2 : decimal.point };
    if (settings.notation === 'compact') {
        let step = Math.min(4, Math.max(0, Math.floor((figures.point - 1) / 3)));
        const scaled = (by) => ({ ...figures, point: figures.point - by * 3 });
        if (step < 4 && roundedParts(scaled(step), settings).whole.length > 3) step++;
        figures = scaled(step);
        suffix = COMPACT[settings.compactDisplay][step];
    } else if (settings.notation !== 'standard') {
        const size = figures.digits === '' ? 0 : figures.point - 1;
        exponent = settings.notation === 'scientific' ? size : Math.floor(size / 3) * 3;
        figures = { ...figures, point: figures.point - exponent };
    }
    const { whole, part, zero } = roundedParts(figures, settings);
    grouped(whole, settings).forEach((group, index) => {
        if (index > 0) parts.push({ type: 'group', value: settings.numbers.group });
        parts.push({ type: 'integer', value: group });
    });
    if (part) parts.push({ type: 'decimal', value: settings.numbers.decimal }, { type: 'fraction', value: part });
    if (exponent !== undefined) {
        parts.push({ type: 'exponentSeparator', value: 'E' });
        if (exponent < 0) parts.push({ type: 'exponentMinusSign', value: '-' });
        parts.push({ type: 'exponentInteger', value: String(Math.abs(exponent)) });
    }
    return { parts, suffix, zero };
}

function signPart({ negative }, zero, { signDisplay, numbers }) {
    const minus = { type: 'minusSign', value: numbers.minus };
    const plus = { type: 'plusSign', value: '+' };
    switch (signDisplay) {
        case 'never':
            return undefined;
        case 'always':
            return negative ? minus : plus;
        case 'exceptZero':
            return zero ? undefined : negative ? minus : plus;
        case 'negative':
            return negative && !zero ? minus : undefined;
        default:
            return negative ? minus : undefined;
    }
}

function currencySign({ currency, currencyDisplay, locale }) {
    if (currencyDisplay === 'code') return currency;
    const home = forLocale(HOME_SIGNS, locale, []);
    if (home[0] === currency) return home[1];
    if (currency === 'USD' && /^en-(CA|AU|NZ|SG)$/.test(locale)) return currencyDisplay === 'narrowSymbol' ? '$' : locale === 'en-AU' ? 'USD' : 'US$';
    if (locale === 'en-AU' && currencyDisplay === 'symbol') return currency;
    return (currencyDisplay === 'narrowSymbol' ? NARROW_SIGNS[currency] : undefined) ?? SIGNS[currency] ?? currency;
}

function unitText(unit, display, one) {
    const [first, second] = unit.split('-per-');
    const short = (name) => (one || !(name in PLURAL_UNITS) ? UNITS[name].trim() : PLURAL_UNITS[name]);
    if (display === 'long') {
        const long = (name, single) => (LONG_UNITS[name] ?? [name, `${name}s`])[single ? 0 : 1];
        return ` ${long(first, one)}${second ? ` per ${long(second, true)}` : ''}`;
    }
    if (second !== undefined) return unit === 'kilometer-per-hour' ? ' km/h' : unit === 'mile-per-hour' ? ' mph' : ` ${short(first)}/${{ hour: 'h', second: 's', minute: 'min', day: 'd' }[second] ?? short(second)}`;
    return `${UNITS[first].startsWith(' ') && display !== 'narrow' ? ' ' : ''}${short(first)}`;
}

function numberParts(value, settings) {
    const decimal = exactDecimal(value);
    const { parts: figures, suffix, zero } = figureParts(decimal, settings);
    const { numbers, style } = settings;
    const sign = decimal.special === 'NaN' ? undefined : signPart(decimal, zero, settings);
    const body = [...figures];
    if (suffix) body.push(...(suffix.startsWith(' ') ? [{ type: 'literal', value: ' ' }] : []), { type: 'compact', value: suffix.trim() });
    const signed = sign ? [sign, ...body] : body;
    const one = figures.length === 1 && figures[0].value === '1';
    if (style === 'percent') return placed(numbers.percent, signed, '%', { type: 'percentSign', value: '%' });
    if (style === 'unit') {
        const text = unitText(settings.unit, settings.unitDisplay, one);
        const space = text.startsWith(' ') ? [{ type: 'literal', value: ' ' }] : [];
        return [...signed, ...space, { type: settings.unit === 'percent' ? 'percentSign' : 'unit', value: text.trim() }];
    }
    if (style !== 'currency') return signed;
    if (settings.currencyDisplay === 'name') {
        const name = CURRENCY_NAMES[settings.currency];
        const text = name === undefined ? settings.currency : one || SAME_PLURAL.includes(settings.currency) ? name : (NAME_PLURALS[settings.currency] ?? `${name}s`);
        return [...signed, { type: 'literal', value: ' ' }, { type: 'currency', value: text }];
    }
    const mark = { type: 'currency', value: currencySign(settings) };
    // A code of letters keeps its distance from the digits.
    const pattern = numbers.currency === 'c#' && /[A-Z]$/.test(mark.value) ? 'c\u00a0#' : numbers.currency;
    if (sign?.type === 'minusSign' && settings.currencySign === 'accounting') return [{ type: 'literal', value: '(' }, ...placed(pattern, body, 'c', mark), { type: 'literal', value: ')' }];
    if (sign && pattern.startsWith('c') && !settings.locale.startsWith('nl')) return [sign, ...placed(pattern, body, 'c', mark)];
    return placed(pattern, signed, 'c', mark);
}

// Puts number and mark where the pattern has them.
function placed(pattern, number, letter, mark) {
    const parts = [];
    for (const sign of pattern) {
        if (sign === '#') parts.push(...number);
        else if (sign === letter) parts.push(mark);
        else parts.push({ type: 'literal', value: sign });
    }
    return parts;
}

const textOfParts = (parts) => parts.map((part) => part.value).join('');

function formatNumber(value, locales, options) {
    if (options === undefined && locales === undefined) return textOfParts(numberParts(value, PLAIN_NUMBERS));
    return textOfParts(numberParts(value, numberSettings(locales, options)));
}

const PLAIN_NUMBERS = numberSettings(undefined, undefined);
