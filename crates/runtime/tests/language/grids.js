// Many values to one case: what differs in one corner shows in one line. Used by the recorder and by the test, as `show.js` is.
const FIGURES = [
    0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, 0.4, 0.04, 0.0004, -0.0004, 0.005, 0.0001, 1e-7, 1.005, 0.999, 0.9999, 9.95, 9.99, 99.95, 0.125, 1.25, -2.5, 12, 25, 99, 123.456, -123.456,
    999.5, 999.95, 1000, 1234.5678, 9999, -9999, 12345, 99999.5, 123456, 999999, -999999, 1234567.891, 999999999, 1e12, 1.5e15, 1e21, '123456789012345680000.5', 9007199254740993n, -5n, NaN, Infinity, -Infinity
];

// All of them in one way of writing, or the error that refuses it.
const figures = (options, locale = 'en-US') => {
    const format = new Intl.NumberFormat(locale, options);
    return FIGURES.map((value) => format.format(value)).join(' | ');
};

// The same in each notation.
const inNotations = (options) => ['standard', 'scientific', 'engineering', 'compact'].map((notation) => figures({ ...options, notation }));

// What a locale has no data for here is an error there; elsewhere in these cases `refused` stands for it, which the test takes
// for any answer of Node.
const orRefused = (work) => {
    try {
        return work();
    } catch (error) {
        return error instanceof RangeError && /are not available for the locale/.test(error.message) ? 'refused' : error.name;
    }
};

const IN_MONEY = ['USD', 'EUR', 'GBP', 'JPY', 'INR', 'CAD', 'AUD', 'CHF', 'SEK', 'BRL', 'MXN', 'ZAR', 'PLN'].map((currency) => ({ style: 'currency', currency }));
const NUMBER_WAYS = [
    {}, { style: 'percent', maximumFractionDigits: 1 }, ...IN_MONEY, { style: 'currency', currency: 'EUR', currencyDisplay: 'code' }, { style: 'currency', currency: 'USD', currencyDisplay: 'narrowSymbol' },
    { style: 'currency', currency: 'USD', currencyDisplay: 'name' }, { style: 'currency', currency: 'USD', currencySign: 'accounting' }, { notation: 'compact' }, { notation: 'compact', compactDisplay: 'long' }, { notation: 'scientific' },
    { style: 'unit', unit: 'day' }, { style: 'unit', unit: 'liter', unitDisplay: 'long' }, { style: 'unit', unit: 'kilometer-per-hour' }, { signDisplay: 'always' }
];
const numbersIn = (locale) => NUMBER_WAYS.map((options) => [0, 1, -5, 0.256, 1234.5, -1234567.891, 1e9].map((value) => orRefused(() => value.toLocaleString(locale, options))));

const DATE_WAYS = [
    {}, { dateStyle: 'full' }, { dateStyle: 'long' }, { dateStyle: 'medium' }, { dateStyle: 'short' }, { timeStyle: 'short' }, { timeStyle: 'full' }, { dateStyle: 'medium', timeStyle: 'short' }, { dateStyle: 'full', timeStyle: 'medium' },
    { month: 'long', day: 'numeric' }, { month: 'short', day: 'numeric', year: 'numeric' }, { month: 'long', year: 'numeric' }, { month: 'short' }, { weekday: 'long' }, { weekday: 'long', month: 'long', day: 'numeric' }, { weekday: 'short', month: 'short', day: 'numeric', year: 'numeric' },
    { weekday: 'short', hour: '2-digit', minute: '2-digit' }, { month: '2-digit', day: '2-digit' }, { month: 'numeric', day: 'numeric', year: '2-digit' }, { year: 'numeric', month: '2-digit' },
    { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit', hour12: false }, { hour: 'numeric' }, { hour: 'numeric', minute: '2-digit' }, { hour: 'numeric', minute: '2-digit', hour12: true },
    { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }, { month: 'long', day: 'numeric', hour: 'numeric', minute: 'numeric' }, { timeZoneName: 'longOffset' }, { hour: 'numeric', minute: '2-digit', second: '2-digit', fractionalSecondDigits: 3 },
    ...['America/New_York', 'America/Halifax', 'Europe/London', 'Europe/Paris', 'Europe/Dublin', 'Africa/Johannesburg', 'Asia/Kolkata', 'Asia/Dubai', 'Asia/Tokyo', 'Asia/Singapore', 'Australia/Sydney', 'Pacific/Auckland'].map((timeZone) => ({ timeZone, hour: 'numeric', minute: 'numeric', timeZoneName: 'short' }))
];
const DATE_MOMENTS = ['2024-03-05T09:04:05.678Z', '2024-07-09T21:30:00Z', '2023-09-01T00:00:00Z'].map((text) => new Date(text));
const datesIn = (locale) => DATE_WAYS.map((options) => DATE_MOMENTS.map((moment) => orRefused(() => moment.toLocaleString(locale, options))));
