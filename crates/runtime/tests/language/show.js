// What a value is, as JSON, so that two engines can be compared. Used by the recorder (in Node) and by the test (in a worker).
const show = (value, above = []) => {
    if (value === undefined) return 'undefined';
    if (typeof value === 'number') return Number.isFinite(value) && !Object.is(value, -0) ? value : `number ${Object.is(value, -0) ? '-0' : value}`;
    if (typeof value === 'bigint') return `${value}n`;
    if (typeof value === 'symbol') return String(value);
    if (typeof value === 'function') return `function ${value.name}`;
    if (typeof value !== 'object' || value === null) return value;
    if (above.includes(value)) return '[Circular]';
    const inside = (item) => show(item, [...above, value]);
    if (value instanceof Date) return `Date ${Number.isNaN(value.getTime()) ? 'NaN' : value.toISOString()}`;
    if (value instanceof RegExp) return String(value);
    if (value instanceof Error) return { error: value.name, ...(value.code === undefined ? {} : { code: value.code }) };
    if (Buffer.isBuffer(value)) return `Buffer ${value.toString('hex')}`;
    if (value instanceof ArrayBuffer) return `ArrayBuffer ${Buffer.from(value).toString('hex')}`;
    if (ArrayBuffer.isView(value) && !(value instanceof DataView)) return `${value.constructor.name} ${Array.from(value).join()}`;
    if (value instanceof Map) return { Map: [...value].map(inside) };
    if (value instanceof Set) return { Set: [...value].map(inside) };
    if (value instanceof URL) return `URL ${value.href}`;
    if (value instanceof URLSearchParams) return `URLSearchParams ${value}`;
    if (Array.isArray(value)) return Array.from(value, inside);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inside(item)]));
};

// Runs cases one after the other; `cases` are functions.
const showAll = async (cases) => {
    const shown = [];
    for (const work of cases) {
        try {
            shown.push(show(await work()));
        } catch (error) {
            shown.push({ throws: error instanceof Error ? error.name : typeof error, ...(error?.code === undefined ? {} : { code: error.code }) });
        }
    }
    return shown;
};
