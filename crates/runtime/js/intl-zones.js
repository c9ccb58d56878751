// Time zones: offsets from the database in Rust, and their names in English.

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
    return { name: canonical, offset, designation, abbreviation: american && KNOWN_ABBREVIATIONS.test(designation) ? designation : offsetName(offset, false) };
}

function offsetName(offset, long) {
    if (offset === 0) return 'GMT';
    const minutes = Math.floor(Math.abs(offset) / 60);
    const hours = Math.floor(minutes / 60);
    const rest = minutes % 60;
    const sign = offset < 0 ? '-' : '+';
    return long ? `GMT${sign}${String(hours).padStart(2, '0')}:${String(rest).padStart(2, '0')}` : `GMT${sign}${hours}${rest === 0 ? '' : `:${String(rest).padStart(2, '0')}`}`;
}

// Long names by abbreviation, where one of them means the same everywhere outside of the regions below.
const LONG_NAMES = {
    __proto__: null,
    EST: 'Eastern Standard Time', EDT: 'Eastern Daylight Time', CST: 'Central Standard Time', CDT: 'Central Daylight Time', MST: 'Mountain Standard Time', MDT: 'Mountain Daylight Time',
    PST: 'Pacific Standard Time', PDT: 'Pacific Daylight Time', AKST: 'Alaska Standard Time', AKDT: 'Alaska Daylight Time', HST: 'Hawaii-Aleutian Standard Time', AST: 'Atlantic Standard Time',
    ADT: 'Atlantic Daylight Time', NST: 'Newfoundland Standard Time', NDT: 'Newfoundland Daylight Time', GMT: 'Greenwich Mean Time', BST: 'British Summer Time', WET: 'Western European Standard Time',
    WEST: 'Western European Summer Time', CET: 'Central European Standard Time', CEST: 'Central European Summer Time', EET: 'Eastern European Standard Time', EEST: 'Eastern European Summer Time',
    MSK: 'Moscow Standard Time', JST: 'Japan Standard Time', KST: 'Korean Standard Time', HKT: 'Hong Kong Standard Time', IDT: 'Israel Daylight Time', AEST: 'Australian Eastern Standard Time',
    AEDT: 'Australian Eastern Daylight Time', ACST: 'Australian Central Standard Time', ACDT: 'Australian Central Daylight Time', AWST: 'Australian Western Standard Time', NZST: 'New Zealand Standard Time',
    NZDT: 'New Zealand Daylight Time', SAST: 'South Africa Standard Time', EAT: 'East Africa Time', CAT: 'Central Africa Time', WAT: 'West Africa Standard Time'
};
const LONG_NAMES_OF = {
    __proto__: null,
    'Asia/Kolkata': 'India Standard Time', 'Asia/Calcutta': 'India Standard Time', 'Asia/Shanghai': 'China Standard Time', 'Asia/Manila': 'Philippine Standard Time', 'Asia/Jerusalem': 'Israel Standard Time',
    'Asia/Singapore': 'Singapore Standard Time', 'Asia/Dubai': 'Gulf Standard Time', 'Asia/Bangkok': 'Indochina Time', 'America/Sao_Paulo': 'Brasilia Standard Time', 'America/Bogota': 'Colombia Standard Time',
    'America/Lima': 'Peru Standard Time', 'America/Argentina/Buenos_Aires': 'Argentina Standard Time', 'Asia/Taipei': 'Taipei Standard Time', 'Asia/Karachi': 'Pakistan Standard Time', 'Europe/Dublin': undefined
};

function longZoneName(zone) {
    if (zone.name === 'UTC') return 'Coordinated Universal Time';
    if (zone.designation === 'IDT' || !(zone.name in LONG_NAMES_OF)) {
        const elsewhere = /^Asia\//.test(zone.name) && /^[CPEA]ST$/.test(zone.designation);
        return (elsewhere ? undefined : LONG_NAMES[zone.designation]) ?? offsetName(zone.offset, true);
    }
    return LONG_NAMES_OF[zone.name] ?? (zone.offset === 0 ? 'Greenwich Mean Time' : 'Irish Standard Time');
}

function zoneText(zone, style) {
    const generic = /^[ECMP][SD]T$/.test(zone.abbreviation);
    switch (style) {
        case 'short':
            return zone.abbreviation;
        case 'long':
            return longZoneName(zone);
        case 'shortOffset':
            return offsetName(zone.offset, false);
        case 'longOffset':
            return offsetName(zone.offset, true);
        case 'shortGeneric':
            if (zone.name === 'UTC') return 'GMT';
            if (generic) return `${zone.abbreviation[0]}T`;
            break;
        case 'longGeneric':
            if (zone.name === 'UTC') return 'GMT';
            if (generic) return longZoneName(zone).replace(/ (Standard|Daylight)/, '');
    }
    throw new RangeError(`timeZoneName: '${style}' is not available for ${zone.name}; use 'short', 'long', 'shortOffset' or 'longOffset'`);
}
