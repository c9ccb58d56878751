'use strict';

const escape = (text) => encodeURIComponent(String(text).toWellFormed()).replace(/%(21|27|28|29|2A)/g, (_, code) => String.fromCharCode(parseInt(code, 16)));

function unescape(text) {
    try {
        return decodeURIComponent(text);
    } catch {
        return text.replace(/%([0-9a-f]{2})/gi, (_, code) => String.fromCharCode(parseInt(code, 16)));
    }
}

const primitive = (value) => (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint' || Number.isFinite(value) ? String(value) : '');

function stringify(object, separator = '&', equals = '=', options) {
    const encode = options?.encodeURIComponent ?? module.exports.escape;
    if (typeof object !== 'object' || object === null) return '';
    const pair = (key, value) => `${encode(primitive(key))}${equals}${encode(primitive(value))}`;
    return Object.keys(object)
        .map((key) => (Array.isArray(object[key]) ? object[key].map((value) => pair(key, value)).join(separator) : pair(key, object[key])))
        .filter((text) => text !== '')
        .join(separator);
}

function parse(text, separator = '&', equals = '=', options) {
    const result = Object.create(null);
    if (typeof text !== 'string' || text === '') return result;
    const decode = options?.decodeURIComponent ?? module.exports.unescape;
    const most = options?.maxKeys ?? 1000;
    const parts = text.split(separator);
    for (const part of most > 0 ? parts.slice(0, most) : parts) {
        if (part === '') continue;
        const at = part.indexOf(equals);
        const [name, value] = [at < 0 ? part : part.slice(0, at), at < 0 ? '' : part.slice(at + equals.length)].map((half) => decode(half.replace(/\+/g, ' ')));
        if (!(name in result)) result[name] = value;
        else if (Array.isArray(result[name])) result[name].push(value);
        else result[name] = [result[name], value];
    }
    return result;
}

module.exports = { escape, unescape, stringify, parse, encode: stringify, decode: parse };
