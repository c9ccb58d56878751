// URL and URLSearchParams. Parsing and serialising follow the WHATWG rules of the `url` crate.

const URL_PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];

function needArguments(given, ...names) {
    if (given >= names.length) return;
    const list = names.map((name) => `"${name}"`);
    throw codedError(TypeError, 'ERR_MISSING_ARGS', `The ${list.join(' and ')} argument${list.length > 1 ? 's' : ''} must be specified`);
}

function needFunction(name, value) {
    if (typeof value !== 'function') throw wrongType(`"${name}" argument`, 'of type function', value);
}

let attachSearch;
let resetSearch;
let searchChanged;

class URLSearchParams {
    #list = [];
    #url;

    static {
        attachSearch = (params, url) => {
            params.#url = url;
            return params;
        };
        resetSearch = (params, search) => {
            params.#list = [];
            params.#parse(search.startsWith('?') ? search.slice(1) : search);
        };
    }

    constructor(init = '') {
        if ((typeof init === 'object' && init !== null) || typeof init === 'function') {
            if (init[Symbol.iterator] === undefined || init[Symbol.iterator] === null) {
                for (const name of Object.keys(init)) this.#list.push([String(name).toWellFormed(), String(init[name]).toWellFormed()]);
                return;
            }
            for (const pair of init) this.#list.push(namedPair(pair));
        } else {
            const text = String(init).toWellFormed();
            this.#parse(text.startsWith('?') ? text.slice(1) : text);
        }
    }

    #parse(text) {
        const flat = native.formDecode(text);
        for (let i = 0; i < flat.length; i += 2) this.#list.push([flat[i], flat[i + 1]]);
    }

    #changed() {
        if (this.#url) searchChanged(this.#url, this.toString());
    }

    get size() {
        return this.#list.length;
    }

    append(name, value) {
        needArguments(arguments.length, 'name', 'value');
        this.#list.push([String(name).toWellFormed(), String(value).toWellFormed()]);
        this.#changed();
    }

    delete(name, value) {
        needArguments(arguments.length, 'name');
        name = String(name).toWellFormed();
        this.#list = this.#list.filter((pair) => pair[0] !== name || (value !== undefined && pair[1] !== String(value)));
        this.#changed();
    }

    get(name) {
        needArguments(arguments.length, 'name');
        name = String(name).toWellFormed();
        return this.#list.find((pair) => pair[0] === name)?.[1] ?? null;
    }

    getAll(name) {
        needArguments(arguments.length, 'name');
        name = String(name).toWellFormed();
        return this.#list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
    }

    has(name, value) {
        needArguments(arguments.length, 'name');
        name = String(name).toWellFormed();
        return this.#list.some((pair) => pair[0] === name && (value === undefined || pair[1] === String(value)));
    }

    set(name, value) {
        needArguments(arguments.length, 'name', 'value');
        const fresh = [String(name).toWellFormed(), String(value).toWellFormed()];
        const index = this.#list.findIndex((pair) => pair[0] === fresh[0]);
        if (index === -1) this.#list.push(fresh);
        else {
            this.#list[index] = fresh;
            this.#list = this.#list.filter((pair, i) => i <= index || pair[0] !== fresh[0]);
        }
        this.#changed();
    }

    sort() {
        this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
        this.#changed();
    }

    forEach(callback, self) {
        needFunction('callback', callback);
        for (const [name, value] of this.entries()) callback.call(self, value, name, this);
    }

    entries() {
        return listIterator(() => this.#list, (pair) => [pair[0], pair[1]]);
    }

    keys() {
        return listIterator(() => this.#list, (pair) => pair[0]);
    }

    values() {
        return listIterator(() => this.#list, (pair) => pair[1]);
    }

    toString() {
        const flat = [];
        for (const [name, value] of this.#list) flat.push(name, value);
        return native.formEncode(flat);
    }
}

function namedPair(pair) {
    const usable = (typeof pair === 'object' && pair !== null) || typeof pair === 'function';
    const parts = usable && typeof pair[Symbol.iterator] === 'function' ? [...pair] : [];
    if (parts.length !== 2) throw codedError(TypeError, 'ERR_INVALID_TUPLE', 'Each query pair must be an iterable [name, value] tuple');
    return [String(parts[0]).toWellFormed(), String(parts[1]).toWellFormed()];
}

const iteratorPrototype = Reflect.getPrototypeOf(Reflect.getPrototypeOf([][Symbol.iterator]()));

// Walks a list that may change on the way, one place after the other.
class SearchIterator {
    #list;
    #shape;
    #at = 0;

    constructor(list, shape) {
        this.#list = list;
        this.#shape = shape;
    }

    next() {
        const list = this.#list();
        if (this.#at >= list.length) return { value: undefined, done: true };
        return { value: this.#shape(list[this.#at++]), done: false };
    }
}
Object.setPrototypeOf(SearchIterator.prototype, iteratorPrototype);
Object.defineProperty(SearchIterator.prototype, Symbol.toStringTag, { value: 'URLSearchParams Iterator', configurable: true });
Object.defineProperty(SearchIterator.prototype, 'constructor', { value: Object, configurable: true });

function listIterator(list, shape) {
    return new SearchIterator(list, shape);
}

Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, { value: URLSearchParams.prototype.entries, writable: true, configurable: true });
Object.defineProperty(URLSearchParams.prototype, Symbol.toStringTag, { value: 'URLSearchParams', configurable: true });

function invalidUrl(input, base) {
    const error = codedError(TypeError, 'ERR_INVALID_URL', 'Invalid URL');
    error.input = String(input);
    if (base !== undefined) error.base = String(base);
    return error;
}

function urlPartsOf(input, base) {
    return native.urlParse(String(input).toWellFormed(), base === undefined ? undefined : String(base).toWellFormed());
}

let urlPart;
let setUrlPart;
let isUrl;

class URL {
    #parts;
    #params;

    static {
        isUrl = (value) => #parts in value;
        urlPart = (url, index) => url.#parts[index];
        setUrlPart = (url, name, value) => {
            const parts = native.urlSet(url.#parts[0], name, String(value).toWellFormed());
            if (parts === undefined) {
                if (name === 'href') throw invalidUrl(value);
                return;
            }
            url.#parts = parts;
            if (url.#params) resetSearch(url.#params, parts[9]);
        };
        searchChanged = (url, search) => {
            url.#parts = native.urlSet(url.#parts[0], 'search', search) ?? url.#parts;
        };
    }

    constructor(input, base) {
        needArguments(arguments.length, 'url');
        const parts = urlPartsOf(input, base);
        if (parts === undefined) throw invalidUrl(input, base);
        this.#parts = parts;
    }

    static canParse(input, base) {
        needArguments(arguments.length, 'url');
        return urlPartsOf(input, base) !== undefined;
    }

    static parse(input, base) {
        needArguments(arguments.length, 'url');
        return URL.canParse(input, base) ? new URL(input, base) : null;
    }

    get searchParams() {
        this.#params ??= attachSearch(new URLSearchParams(this.#parts[9]), this);
        return this.#params;
    }

    toString() {
        return this.#parts[0];
    }

    toJSON() {
        return this.#parts[0];
    }
}
URL_PARTS.forEach((name, index) => {
    Object.defineProperty(URL.prototype, name, {
        get() {
            return urlPart(this, index);
        },
        set: name === 'origin' ? undefined : function (value) {
            setUrlPart(this, name, value);
        },
        enumerable: true,
        configurable: true
    });
});
Object.defineProperty(URL.prototype, Symbol.toStringTag, { value: 'URL', configurable: true });
