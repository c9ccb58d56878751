// Time zones: offsets from the database in Rust, and their names in English.

const UTC_NAMES = /^(utc|gmt|etc\/(utc|gmt|zulu|uct|greenwich|universal)|zulu|uct|universal|greenwich)$/i;
// Abbreviations that a region has, by name and designation of the zone; other zones are written as an offset.
const AMERICAN_ZONES = /^(?:(?:America|US|Canada)\/\S+|Atlantic\/Bermuda|Pacific\/Honolulu|[ECMPH]ST(?:\d[ECMP]DT)?) (?:[ECMPA][SD]T|AK[SD]T|HST)$/;
const PACIFIC_ZONES = /^(?:Australia|Antarctica|Pacific)\/\S+ (?:AWST|AE[SD]T|AC[SD]T|NZ[SD]T)$/;
const ABBREVIATIONS = {
    __proto__: null,
    en: AMERICAN_ZONES, 'en-CA': new RegExp(`${AMERICAN_ZONES.source}|^(?:America/St_Johns|Canada/Newfoundland) N[SD]T$`), 'en-AU': PACIFIC_ZONES, 'en-NZ': PACIFIC_ZONES,
    'en-GB': / (?:CES?T|EES?T|WES?T)$|^Europe\/London BST$/, 'en-IE': /^Europe\/Dublin IST$/, 'en-ZA': /^Africa\/\S+ (?:EAT|WAT|CAT|SAST)$/, 'en-IN': /^Asia\/(?:Kolkata|Calcutta) IST$/, 'en-SG': /^$/
};
// Those that the database has no designation for.
const MORE_ABBREVIATIONS = {
    __proto__: null,
    'America/Adak': ['en-US en-CA', { HST: 'HAST', HDT: 'HADT' }], 'America/Miquelon': ['en-CA', { '-03': 'PMST', '-02': 'PMDT' }], 'Australia/Eucla': ['en-AU en-NZ', { '+0845': 'ACWST' }],
    'Australia/Lord_Howe': ['en-AU en-NZ', { '+1030': 'LHST', '+11': 'LHDT' }], 'Pacific/Chatham': ['en-NZ', { '+1245': 'CHAST', '+1345': 'CHADT' }], 'Antarctica/Casey': ['en-AU en-NZ', { '+08': 'AWST' }],
    'Asia/Dubai': ['en-GB en-IN', { '+04': 'GST' }], 'Asia/Muscat': ['en-GB en-IN', { '+04': 'GST' }], 'Asia/Colombo': ['en-IN', { '+0530': 'IST' }], 'Asia/Singapore': ['en-SG', { '+08': 'SGT' }],
    'Asia/Kuala_Lumpur': ['en-SG', { '+08': 'MYT' }], 'Asia/Kuching': ['en-SG', { '+08': 'MYT' }]
};

function abbreviationOf({ name, designation, abbreviation, offset }, locale) {
    if (designation === undefined) return abbreviation;
    const [regions, names] = MORE_ABBREVIATIONS[name] ?? [''];
    if (regions.includes(locale) && designation in names) return names[designation];
    return forLocale(ABBREVIATIONS, locale, /^$/).test(`${name} ${designation}`) && !regions.includes(locale) ? designation : offsetName(offset, false);
}

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
    return { name: canonical, offset, designation };
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

function zoneText(zone, style, locale) {
    const generic = AMERICAN_ZONES.test(`${zone.name} ${zone.designation}`) && /^[ECMP][SD]T$/.test(zone.designation);
    switch (style) {
        case 'short':
            return abbreviationOf(zone, locale);
        case 'long':
            return longZoneName(zone);
        case 'shortOffset':
            return zone.offset === 0 ? 'GMT+0' : offsetName(zone.offset, false);
        case 'longOffset':
            return zone.offset === 0 ? 'GMT+00:00' : offsetName(zone.offset, true);
        case 'shortGeneric':
            if (zone.name === 'UTC') return 'GMT+0';
            if (generic && /^en(-US|-CA)?$/.test(locale)) return `${zone.designation[0]}T`;
            break;
        case 'longGeneric':
            if (zone.name === 'UTC') return 'GMT+00:00';
            if (generic) return longZoneName(zone).replace(/ (Standard|Daylight)/, '');
    }
    throw new RangeError(`timeZoneName: '${style}' is not available for ${zone.name}; use 'short', 'long', 'shortOffset' or 'longOffset'`);
}
