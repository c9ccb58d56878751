// The module `url`: the classes, and the older functions `parse`, `format` and `resolve`, which know nothing of the
// standard and keep texts closer to how they were written.

const SLASHED = new Set(['http:', 'https:', 'ftp:', 'gopher:', 'file:', 'ws:', 'wss:']);
const OUTSIDE_HOST = /[\t\n\r "#%'/;<>?\\^`{|}]/;

class LegacyUrl {
    protocol = null;
    slashes = null;
    auth = null;
    host = null;
    port = null;
    hostname = null;
    hash = null;
    search = null;
    query = null;
    pathname = null;
    path = null;
    href = '';

    parse(text, parseQuery, slashesDenoteHost) {
        return Object.assign(this, parseUrl(text, parseQuery, slashesDenoteHost));
    }

    format() {
        return formatParts(this);
    }

    resolve(relative) {
        return resolveUrl(this.href, relative);
    }
}

function parseQueryText(text) {
    const query = Object.create(null);
    for (const part of text.split('&')) {
        if (part === '') continue;
        const [, name, value = ''] = /^([^=]*)(?:=(.*))?$/s.exec(part);
        const [key, plain] = [name, value].map((one) => attempt(() => decodeURIComponent(one.replaceAll('+', ' ')), one));
        if (!(key in query)) query[key] = plain;
        else if (Array.isArray(query[key])) query[key].push(plain);
        else query[key] = [query[key], plain];
    }
    return query;
}

function queryText(query) {
    const one = (value) => (['string', 'number', 'bigint', 'boolean'].includes(typeof value) ? encodeURIComponent(String(value)) : '');
    const pairs = Object.entries(query).flatMap(([name, value]) => [value].flat().map((item) => `${encodeURIComponent(name)}=${one(item)}`));
    return pairs.join('&');
}

function parseUrl(text, parseQuery = false, slashesDenoteHost = false) {
    if (typeof text !== 'string') throw wrongType('"url" argument', 'of type string', text);
    const url = new LegacyUrl();
    let rest = text.trim().replace(/^[^?#]*/, (before) => before.replaceAll('\\', '/'));
    const protocol = /^[a-z0-9.+-]+:/i.exec(rest)?.[0];
    if (protocol !== undefined) {
        url.protocol = protocol.toLowerCase();
        rest = rest.slice(protocol.length);
    }
    const script = url.protocol === 'javascript:';
    if (!script && rest.startsWith('//') && (slashesDenoteHost || protocol !== undefined || /^\/\/[^@/]+@[^@/]+/.test(rest))) {
        url.slashes = true;
        rest = rest.slice(2);
    }
    if (!script && (url.slashes || (protocol !== undefined && !SLASHED.has(url.protocol)))) rest = takeHost(url, rest);
    if (!script) rest = rest.replace(/[\t\n\r "'<>\\^`{|}]/g, (sign) => (sign === "'" ? '%27' : encodeURIComponent(sign)));
    splitRest(url, rest, parseQuery);
    if (SLASHED.has(url.protocol) && url.hostname && !url.pathname) url.pathname = '/';
    if (url.pathname || url.search) url.path = `${url.pathname ?? ''}${url.search ?? ''}`;
    url.href = formatParts(url);
    return url;
}

function takeHost(url, rest) {
    const edge = rest.search(/[/?#]/);
    const authority = edge === -1 ? rest : rest.slice(0, edge);
    const at = authority.lastIndexOf('@');
    if (at !== -1) url.auth = attempt(() => decodeURIComponent(authority.slice(0, at)), authority.slice(0, at));
    const begin = at + 1;
    const stop = authority.slice(begin).search(OUTSIDE_HOST);
    const end = stop === -1 ? authority.length : begin + stop;
    url.host = authority.slice(begin, end);
    const port = /:([0-9]*)$/.exec(url.host);
    let name = url.host;
    if (port) {
        if (port[1] !== '') url.port = port[1];
        name = name.slice(0, port.index);
    }
    const bracketed = /^\[.*\]$/.test(name);
    url.hostname = bracketed ? name.slice(1, -1).toLowerCase() : (/[^\0-\x7f]/.test(name) && native.domain(name.toLowerCase().toWellFormed(), false)) || name.toLowerCase();
    url.host = `${bracketed ? `[${url.hostname}]` : url.hostname}${url.port === null ? '' : `:${url.port}`}`;
    return `${end < authority.length && !rest.slice(end).startsWith('/') ? '/' : ''}${rest.slice(end)}`;
}

function splitRest(url, rest, parseQuery) {
    const hash = rest.indexOf('#');
    if (hash !== -1) [url.hash, rest] = [rest.slice(hash), rest.slice(0, hash)];
    const question = rest.indexOf('?');
    if (question !== -1) {
        url.search = rest.slice(question);
        url.query = parseQuery ? parseQueryText(url.search.slice(1)) : url.search.slice(1);
        rest = rest.slice(0, question);
    } else if (parseQuery) [url.search, url.query] = [null, Object.create(null)];
    if (rest !== '') url.pathname = rest;
}

function formatParts(parts) {
    let protocol = parts.protocol || '';
    if (protocol && !protocol.endsWith(':')) protocol += ':';
    const auth = parts.auth ? `${encodeURIComponent(parts.auth).replace(/%3A/i, ':')}@` : '';
    let host = '';
    if (parts.host) host = auth + parts.host;
    else if (parts.hostname) {
        const name = parts.hostname.includes(':') && !parts.hostname.startsWith('[') ? `[${parts.hostname}]` : parts.hostname;
        host = `${auth}${name}${parts.port ? `:${parts.port}` : ''}`;
    }
    const query = parts.query !== null && typeof parts.query === 'object' ? queryText(parts.query) : '';
    let search = parts.search || (query && `?${query}`) || '';
    let pathname = (parts.pathname || '').replace(/[#?]/g, encodeURIComponent);
    if (parts.slashes || SLASHED.has(protocol)) {
        if (parts.slashes || host) {
            if (pathname && !pathname.startsWith('/')) pathname = `/${pathname}`;
            host = `//${host}`;
        } else if (protocol === 'file:') host = '//';
    }
    let hash = parts.hash || '';
    if (hash && !hash.startsWith('#')) hash = `#${hash}`;
    if (search && !search.startsWith('?')) search = `?${search}`;
    return `${protocol}${host}${pathname}${search.replaceAll('#', '%23')}${hash}`;
}

function formatUrl(given, options) {
    if (typeof given === 'string') return parseUrl(given).href;
    if (typeof given !== 'object' || given === null) throw wrongType('"urlObject" argument', 'one of type object or string', given);
    if (!isUrl(given)) return formatParts(given);
    const { auth = true, fragment = true, search = true, unicode = false } = options ?? {};
    const url = new URL(given);
    if (!auth) url.username = url.password = '';
    if (!fragment) url.hash = '';
    if (!search) url.search = '';
    return unicode ? url.href.replace(url.hostname, native.domain(url.hostname, true) || url.hostname) : url.href;
}

// Where a link leads from a page; both may be paths only.
function resolveUrl(from, to) {
    if (/^[a-z0-9.+-]+:/i.test(to)) return parseUrl(to).href;
    const absolute = /^[a-z0-9.+-]+:\/\//i.test(from);
    const base = attempt(() => new URL(from, absolute ? undefined : 'http://nowhere.invalid'), undefined);
    if (base === undefined) return String(to);
    const href = new URL(to, base).href;
    return absolute ? href : href.replace(/^http:\/\/nowhere\.invalid/, '').replace(/^\/(?=.)/, from.startsWith('/') || String(to).startsWith('/') ? '/' : '');
}

function urlToHttpOptions(url) {
    const options = { __proto__: null, ...url, protocol: url.protocol, hostname: url.hostname.replace(/^\[|\]$/g, ''), hash: url.hash, search: url.search, pathname: url.pathname, path: `${url.pathname}${url.search}`, href: url.href };
    if (url.port !== '') options.port = Number(url.port);
    if (url.username || url.password) options.auth = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
    return options;
}

const urlModule = {
    URL,
    URLSearchParams,
    Url: LegacyUrl,
    parse: parseUrl,
    format: formatUrl,
    resolve: resolveUrl,
    resolveObject: (from, to) => parseUrl(resolveUrl(typeof from === 'string' ? from : formatUrl(from), to)),
    domainToASCII: (domain) => native.domain(String(domain).toWellFormed(), false),
    domainToUnicode: (domain) => native.domain(String(domain).toWellFormed(), true),
    urlToHttpOptions
};
