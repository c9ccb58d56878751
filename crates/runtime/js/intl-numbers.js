// Numbers for people.

const SIGNS = { __proto__: null, USD: '$', EUR: '€', GBP: '£', JPY: '¥', INR: '₹', CNY: 'CN¥', KRW: '₩', CAD: 'CA$', AUD: 'A$', NZD: 'NZ$', MXN: 'MX$', BRL: 'R$', ILS: '₪', VND: '₫', HKD: 'HK$', TWD: 'NT$', PHP: '₱', XAF: 'FCFA', XOF: 'F\u202fCFA', XCD: 'EC$', XPF: 'CFPF', XCG: 'Cg.' };
const NARROW_SIGNS = { __proto__: null, AFN: '؋', AMD: '֏', AOA: 'Kz', ARS: '$', AUD: '$', AZN: '₼', BAM: 'KM', BBD: '$', BDT: '৳', BMD: '$', BND: '$', BOB: 'Bs', BSD: '$', BWP: 'P', BZD: '$', CAD: '$', CLP: '$', CNY: '¥', COP: '$', CRC: '₡', CUC: '$', CUP: '$', CZK: 'Kč', DKK: 'kr', DOP: '$', EGP: 'E£', FJD: '$', FKP: '£', GEL: '₾', GHS: 'GH₵', GIP: '£', GNF: 'FG', GTQ: 'Q', GYD: '$', HKD: '$', HNL: 'L', HRK: 'kn', HUF: 'Ft', IDR: 'Rp', ISK: 'kr', JMD: '$', KGS: '⃀', KHR: '៛', KMF: 'CF', KPW: '₩', KYD: '$', KZT: '₸', LAK: '₭', LBP: 'L£', LKR: 'Rs', LRD: '$', MGA: 'Ar', MMK: 'K', MNT: '₮', MUR: 'Rs', MXN: '$', MYR: 'RM', NAD: '$', NGN: '₦', NIO: 'C$', NOK: 'kr', NPR: 'Rs', NZD: '$', PKR: 'Rs', PLN: 'zł', PYG: '₲', RON: 'lei', RUB: '₽', RWF: 'RF', SBD: '$', SEK: 'kr', SGD: '$', SHP: '£', SRD: '$', SSP: '£', STN: 'Db', SYP: '£', THB: '฿', TOP: 'T$', TRY: '₺', TTD: '$', TWD: '$', UAH: '₴', UYU: '$', XCD: '$', ZAR: 'R', ZMW: 'ZK' };
const AUSTRALIAN_SIGNS = { __proto__: null, SCR: 'Rs', XPF: 'CFP' };
const AUSTRALIAN_NARROW = { __proto__: null, BDT: 'Tk', CUP: '₱', EGP: '£', ISK: 'Kr', PYG: 'Gs', SEK: 'Kr', UYU: '$U', XAF: 'XAF', XOF: 'XOF' };
// Where a currency is at home it has a shorter sign.
const HOME_SIGNS = { __proto__: null, 'en-CA': ['CAD', '$'], 'fr-CA': ['CAD', '$'], 'en-AU': ['AUD', '$'], 'en-NZ': ['NZD', '$'], 'en-SG': ['SGD', '$'], 'es-MX': ['MXN', '$'], 'en-ZA': ['ZAR', 'R'], ja: ['JPY', '￥'], zh: ['CNY', '¥'], pl: ['PLN', 'zł'], sv: ['SEK', 'kr'], nb: ['NOK', 'kr'], da: ['DKK', 'kr.'], cs: ['CZK', 'Kč'], hu: ['HUF', 'Ft'], ru: ['RUB', '₽'], tr: ['TRY', '₺'], uk: ['UAH', '₴'], ro: ['RON', 'RON'] };
const CURRENCY_DIGITS = { __proto__: null, JPY: 0, KRW: 0, VND: 0, CLP: 0, ISK: 0, PYG: 0, UGX: 0, XAF: 0, XOF: 0, XPF: 0, RWF: 0, KMF: 0, GNF: 0, DJF: 0, BIF: 0, VUV: 0, BHD: 3, KWD: 3, OMR: 3, TND: 3, JOD: 3, LYD: 3, IQD: 3 };
const CURRENCY_NAMES = { __proto__: null, USD: 'US dollar', EUR: 'euro', GBP: 'British pound', JPY: 'Japanese yen', CAD: 'Canadian dollar', AUD: 'Australian dollar', NZD: 'New Zealand dollar', CHF: 'Swiss franc', INR: 'Indian rupee', CNY: 'Chinese yuan', BRL: 'Brazilian real', MXN: 'Mexican peso', SEK: 'Swedish krona', NOK: 'Norwegian krone', DKK: 'Danish krone', PLN: 'Polish zloty', SGD: 'Singapore dollar', HKD: 'Hong Kong dollar', ZAR: 'South African rand', KRW: 'South Korean won', ILS: 'Israeli new shekel' };
const SAME_PLURAL = ['JPY', 'CNY', 'KRW', 'ZAR'];
const NAME_PLURALS = { __proto__: null, SEK: 'Swedish kronor', NOK: 'Norwegian kroner', DKK: 'Danish kroner', BRL: 'Brazilian reals', PLN: 'Polish zlotys', ILS: 'Israeli new shekels' };
// Units: short, long, narrow.
const UNITS = { __proto__: null, bit: ' bit', byte: ' byte', kilobyte: ' kB', megabyte: ' MB', gigabyte: ' GB', terabyte: ' TB', petabyte: ' PB', percent: '%', celsius: '°C', fahrenheit: '°F', degree: ' deg', meter: ' m', kilometer: ' km', centimeter: ' cm', millimeter: ' mm', mile: ' mi', foot: ' ft', inch: ' in', yard: ' yd', gram: ' g', kilogram: ' kg', pound: ' lb', ounce: ' oz', stone: ' st', liter: ' L', milliliter: ' mL', gallon: ' gal', 'fluid-ounce': ' fl oz', acre: ' ac', hectare: ' ha', second: ' sec', minute: ' min', hour: ' hr', day: ' day', week: ' wk', month: ' mth', year: ' yr', millisecond: ' ms', microsecond: ' μs', nanosecond: ' ns' };
const NARROW_UNITS = { __proto__: null, byte: 'B', day: 'd', degree: '°', fahrenheit: '°', foot: '′', inch: '″', hour: 'h', minute: 'm', month: 'm', pound: '#', second: 's', week: 'w', year: 'y' };
const JOINED_UNITS = { __proto__: null, 'kilometer-per-hour': 'km/h', 'mile-per-hour': 'mph', 'mile-per-gallon': 'mpg' };
const PLURAL_UNITS = { __proto__: null, day: 'days', week: 'wks', month: 'mths', year: 'yrs' };
const LONG_UNITS = { __proto__: null, celsius: ['degree Celsius', 'degrees Celsius'], fahrenheit: ['degree Fahrenheit', 'degrees Fahrenheit'], foot: ['foot', 'feet'], inch: ['inch', 'inches'], percent: ['percent', 'percent'], stone: ['stone', 'stones'], 'fluid-ounce': ['fluid ounce', 'fluid ounces'] };
// Words of large numbers, by the power of ten that they stand for.
const LARGE = [[3, ' thousand'], [6, ' million'], [9, ' billion'], [12, ' trillion']];
const COMPACT = {
    __proto__: null,
    en: { short: [[3, 'K'], [6, 'M'], [9, 'B'], [12, 'T']], long: LARGE },
    'en-GB': { short: [[3, 'k'], [6, 'm'], [9, 'bn'], [12, 'tn']], long: LARGE },
    'en-IN': { short: [[3, 'K'], [5, 'L'], [7, 'Cr'], [10, 'KCr'], [12, 'LCr']], long: [[3, ' thousand'], [5, '\u202flakh'], [7, '\u202fcrore'], [12, '\u202flakh\u202fcrore']] }
};
const ROUNDING_MODES = ['ceil', 'floor', 'expand', 'trunc', 'halfCeil', 'halfFloor', 'halfExpand', 'halfTrunc', 'halfEven'];
const INCREMENTS = [1, 2, 5, 10, 20, 25, 50, 100, 200, 250, 500, 1000, 2000, 2500, 5000];

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
    const numbers = forLocale(NUMBERS, locale, ENGLISH_NUMBERS);
    const settings = {
        locale, style, currency, unit, notation,
        numbers: style === 'currency' && numbers.money ? { ...numbers, ...numbers.money } : numbers,
        currencyDisplay: option(options, 'currencyDisplay', ['code', 'symbol', 'narrowSymbol', 'name'], 'symbol'),
        currencySign: option(options, 'currencySign', ['standard', 'accounting'], 'standard'),
        unitDisplay: option(options, 'unitDisplay', ['short', 'narrow', 'long'], 'short'),
        compactDisplay: option(options, 'compactDisplay', ['short', 'long'], 'short'),
        signDisplay: option(options, 'signDisplay', ['auto', 'never', 'always', 'exceptZero', 'negative'], 'auto'),
        roundingMode: option(options, 'roundingMode', ROUNDING_MODES, 'halfExpand'),
        trailingZeroDisplay: option(options, 'trailingZeroDisplay', ['auto', 'stripIfInteger'], 'auto'),
        wholeDigits: numberOption(options, 'minimumIntegerDigits', 1, 21, 1)
    };
    if (options?.numberingSystem !== undefined && options.numberingSystem !== 'latn') throw noData(locale, `Digits of the numbering system '${String(options.numberingSystem)}'`);
    needForms(locale, NUMBERS_ELSEWHERE, 'Numbers');
    if (!isEnglish(locale)) needPlain(settings);
    if (style === 'unit' && locale in UNITS_ELSEWHERE && (unit.includes('-per-') || UNITS_ELSEWHERE[locale].includes(` ${unit}:${settings.unitDisplay[0]} `))) throw noData(locale, `Units of this form (${unit}, ${settings.unitDisplay})`);
    const grouping = options?.useGrouping;
    settings.grouping = grouping === undefined ? (notation === 'compact' ? 'min2' : 'auto') : grouping === false || grouping === 'false' ? false : grouping === true || grouping === 'true' ? 'always' : option(options, 'useGrouping', ['min2', 'auto', 'always'], 'auto');
    return Object.assign(settings, digitSettings(options, settings, usual));
}

// Of other languages there are figures, and signs of currencies.
function needPlain({ locale, style, notation, currencyDisplay, currencySign }) {
    if (style === 'unit') throw noData(locale, 'Units');
    if (notation !== 'standard') throw noData(locale, `Numbers in the notation '${notation}'`);
    if (style === 'currency' && (currencyDisplay === 'name' || currencySign === 'accounting')) throw noData(locale, currencyDisplay === 'name' ? 'Names of currencies' : 'Signs of accounting');
}

// How many digits: significant ones, those of the fraction, or whichever of both says more (ECMA-402, SetNumberFormatDigitOptions).
function digitSettings(options, { style, notation }, usual) {
    const increment = numberOption(options, 'roundingIncrement', 1, 5000, 1);
    if (!INCREMENTS.includes(increment)) throw new RangeError('roundingIncrement value is out of range.');
    const priority = option(options, 'roundingPriority', ['auto', 'morePrecision', 'lessPrecision'], 'auto');
    const asked = (name) => options?.[name] !== undefined;
    const bySize = asked('minimumSignificantDigits') || asked('maximumSignificantDigits');
    const byPlace = asked('minimumFractionDigits') || asked('maximumFractionDigits');
    const compact = !byPlace && !bySize && notation === 'compact' && priority === 'auto';
    const settings = { increment, priority: compact ? 'morePrecision' : priority };
    if (compact) Object.assign(settings, { fraction: [0, 0], significant: [1, 2] });
    if (bySize || (priority !== 'auto' && !compact)) {
        const least = numberOption(options, 'minimumSignificantDigits', 1, 21, 1);
        settings.significant = [least, numberOption(options, 'maximumSignificantDigits', least, 21, 21)];
    }
    if (!compact && (!bySize || priority !== 'auto')) {
        const usualMost = increment !== 1 || (style === 'currency' && notation === 'standard') ? usual : style === 'percent' ? 0 : 3;
        let least = numberOption(options, 'minimumFractionDigits', 0, 100, undefined);
        let most = numberOption(options, 'maximumFractionDigits', 0, 100, undefined);
        least ??= Math.min(usual, most ?? usual);
        most ??= Math.max(usualMost, least);
        if (least > most) throw new RangeError('maximumFractionDigits value is out of range.');
        settings.fraction = [least, most];
    }
    if (increment !== 1 && settings.significant) throw new TypeError('roundingIncrement value is invalid.');
    if (increment !== 1 && settings.fraction[0] !== settings.fraction[1]) throw new RangeError('roundingIncrement value is out of range.');
    return settings;
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

// What is left of zero, whatever was rounded away.
const zeroLike = (rest) => ({ ...rest, digits: '', point: 0 });

// Keeps so many digits, counted from the first; `keep` may be zero or less.
function roundDecimal({ digits, point, ...rest }, keep, mode) {
    if (digits === '') return zeroLike(rest);
    if (keep >= digits.length) return { ...rest, digits, point };
    const dropped = keep < 0 ? `0${digits}` : digits.slice(keep);
    const kept = keep <= 0 ? '' : digits.slice(0, keep);
    const half = dropped[0] > '5' || (dropped[0] === '5' && /[1-9]/.test(dropped.slice(1))) ? 1 : dropped[0] === '5' ? 0 : -1;
    const odd = kept !== '' && Number(kept[kept.length - 1]) % 2 === 1;
    if (!roundsUp(half, odd, rest.negative, mode)) return kept === '' ? zeroLike(rest) : { ...rest, digits: kept.replace(/0+$/, ''), point };
    const raised = String(BigInt(kept || '0') + 1n);
    return { ...rest, digits: raised.replace(/0+$/, ''), point: point - keep + raised.length };
}

// Whether what is dropped makes the rest larger; `half` says if that is less than, exactly or more than one half.
function roundsUp(half, odd, negative, mode) {
    const middle = { __proto__: null, halfExpand: true, halfTrunc: false, halfCeil: !negative, halfFloor: negative, halfEven: odd }[mode];
    if (middle !== undefined) return half > 0 || (half === 0 && middle);
    return { __proto__: null, ceil: !negative, floor: negative, expand: true, trunc: false }[mode];
}

// Rounds to a multiple of so many units of the last place.
function roundToSteps({ digits, point, ...rest }, places, step, mode) {
    if (digits === '') return zeroLike(rest);
    // In units of the last digit there is, so that nothing is lost.
    const finer = Math.max(0, digits.length - point - places);
    const units = BigInt(digits || '0') * 10n ** BigInt(Math.max(0, point + places - digits.length));
    const size = BigInt(step) * 10n ** BigInt(finer);
    const left = units % size;
    if (left === 0n) return { ...rest, digits, point };
    const steps = units / size;
    const half = left * 2n > size ? 1 : left * 2n === size ? 0 : -1;
    const raised = String((steps + (roundsUp(half, steps % 2n === 1n, rest.negative, mode) ? 1n : 0n)) * BigInt(step));
    return raised === '0' ? zeroLike(rest) : { ...rest, digits: raised.replace(/0+$/, ''), point: raised.length - places };
}

// The number rounded, and how many digits its fraction has at least.
function rounding(decimal, { significant, fraction, priority, increment, roundingMode: mode }) {
    const bySize = significant && roundDecimal(decimal, significant[1], mode);
    const sizePlaces = significant && Math.max(0, significant[0] - (bySize.digits === '' ? 1 : bySize.point));
    if (!fraction) return { rounded: bySize, least: sizePlaces };
    const byPlace = increment === 1 ? roundDecimal(decimal, decimal.point + fraction[1], mode) : roundToSteps(decimal, fraction[1], increment, mode);
    // The last place that each of them keeps decides.
    const sizeFirst = significant && (significant[1] - (bySize.digits === '' ? 1 : bySize.point) >= fraction[1]) === (priority === 'morePrecision');
    return sizeFirst ? { rounded: bySize, least: sizePlaces } : { rounded: byPlace, least: fraction[0] };
}

function roundedParts(decimal, settings) {
    const { rounded, least } = rounding(decimal, settings);
    const { digits, point } = rounded;
    const whole = point > 0 ? digits.slice(0, point).padEnd(point, '0') : '0';
    let part = point >= digits.length ? '' : point >= 0 ? digits.slice(point) : '0'.repeat(-point) + digits;
    part = part.padEnd(least, '0');
    if (settings.trailingZeroDisplay === 'stripIfInteger' && /^0*$/.test(part)) part = '';
    return { whole: whole.padStart(settings.wholeDigits, '0'), part, zero: digits === '', length: whole.length };
}

function grouped(whole, { numbers, grouping, style, currencySign }) {
    const smallest = grouping === 'always' ? 1 : grouping === 'min2' ? 2 : numbers.grouped;
    if (grouping === false || whole.length < 3 + smallest) return [whole];
    const size = numbers.lakhs && !(style === 'currency' && currencySign === 'accounting') ? 2 : 3;
    const groups = [whole.slice(-3)];
    for (let end = whole.length - 3; end > 0; end -= size) groups.unshift(whole.slice(Math.max(0, end - size), end));
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
        // Amounts of money with a sign are short in both.
        const width = settings.style === 'currency' && settings.currencyDisplay !== 'name' ? 'short' : settings.compactDisplay;
        const words = [[0, ''], ...forLocale(COMPACT, settings.locale, COMPACT.en)[width]];
        let step = Math.max(0, words.findLastIndex(([power]) => power < figures.point));
        const scaled = (by) => ({ ...figures, point: figures.point - words[by][0] });
        // Rounding may bring the next of them.
        if (step + 1 < words.length && roundedParts(scaled(step), settings).length > words[step + 1][0] - words[step][0]) step++;
        figures = scaled(step);
        suffix = words[step][1];
    } else if (settings.notation !== 'standard') {
        const size = figures.digits === '' ? 0 : figures.point - 1;
        const width = settings.notation === 'scientific' ? 1 : 3;
        const scaled = (by) => ({ ...figures, point: figures.point - by });
        exponent = Math.floor(size / width) * width;
        // Rounding may bring the next power of ten.
        if (roundedParts(scaled(exponent), settings).length > width) exponent += width;
        figures = scaled(exponent);
    }
    const { whole, part, zero } = roundedParts(figures, settings);
    grouped(whole, settings).forEach((group, index) => {
        if (index > 0) parts.push({ type: 'group', value: settings.numbers.group });
        parts.push({ type: 'integer', value: group });
    });
    if (part) parts.push({ type: 'decimal', value: settings.numbers.decimal }, { type: 'fraction', value: part });
    if (exponent !== undefined) {
        parts.push({ type: 'exponentSeparator', value: settings.numbers.exponent ?? 'E' });
        if (exponent < 0) parts.push({ type: 'exponentMinusSign', value: '-' });
        parts.push({ type: 'exponentInteger', value: String(Math.abs(exponent)) });
    }
    return { parts, suffix, zero, one: !part && !suffix && !exponent && /^0*1$/.test(whole) };
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
    const own = isEnglish(locale) ? undefined : new RegExp(`(?:^|\\|)${currency}=?([^|]*)`).exec(forLocale(currencyDisplay === 'narrowSymbol' ? LOCAL_NARROW_SIGNS : LOCAL_SIGNS, locale, ''))?.[1];
    if (own !== undefined) return own || currency;
    const home = forLocale(HOME_SIGNS, locale, []);
    if (home[0] === currency) return home[1];
    if (currencyDisplay === 'symbol' && /^en-(GB|CA|NZ|IE|ZA|SG|IN)$/.test(locale)) {
        if (currency === 'JPY') return 'JP¥';
        if (currency === 'USD' && locale !== 'en-IN') return 'US$';
    }
    if (locale === 'en-CA' && currency === 'XCG') return 'Cg';
    if (locale === 'en-AU') return AUSTRALIAN_SIGNS[currency] ?? (currencyDisplay === 'symbol' ? currency : (AUSTRALIAN_NARROW[currency] ?? NARROW_SIGNS[currency] ?? SIGNS[currency] ?? currency));
    return (currencyDisplay === 'narrowSymbol' ? NARROW_SIGNS[currency] : undefined) ?? SIGNS[currency] ?? currency;
}

function unitText(unit, display, one) {
    const [first, second] = unit.split('-per-');
    const short = (name) => (one || !(name in PLURAL_UNITS) ? UNITS[name].trim() : PLURAL_UNITS[name]);
    if (display === 'long') {
        const long = (name, single) => (LONG_UNITS[name] ?? [name, `${name}s`])[single ? 0 : 1];
        return ` ${long(first, one)}${second ? ` per ${long(second, true)}` : ''}`;
    }
    const narrow = display === 'narrow';
    const tight = (name) => (narrow ? NARROW_UNITS[name] : undefined) ?? short(name);
    if (second !== undefined) return `${narrow ? '' : ' '}${JOINED_UNITS[unit] ?? `${tight(first)}/${{ hour: 'h', second: 's', minute: 'min', day: 'd' }[second] ?? short(second)}`}`;
    return `${UNITS[first].startsWith(' ') && !narrow ? ' ' : ''}${tight(first)}`;
}

function numberParts(value, settings) {
    const decimal = exactDecimal(value);
    const { parts: figures, suffix, zero, one } = figureParts(decimal, settings);
    const { numbers, style } = settings;
    const sign = signPart(decimal, zero || decimal.special === 'NaN', settings);
    const body = [...figures];
    if (suffix) body.push(...(/^\s/.test(suffix) ? [{ type: 'literal', value: suffix[0] }] : []), { type: 'compact', value: suffix.trim() });
    const signed = sign ? [sign, ...body] : body;
    if (style === 'percent' && sign && numbers.percent.startsWith('%')) return [sign, ...placed(numbers.percent, body, '%', { type: 'percentSign', value: '%' })];
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
    const pattern = numbers.currency === 'c#' && !decimal.special && /\p{L}$/u.test(mark.value) ? 'c\u00a0#' : numbers.currency;
    if (sign?.type === 'minusSign' && settings.currencySign === 'accounting' && !suffix) return [{ type: 'literal', value: '(' }, ...placed(pattern, body, 'c', mark), { type: 'literal', value: ')' }];
    if (sign && numbers.signInside) return [mark, sign, ...body];
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
