// URL and URLSearchParams. Parsing and serialising follow the WHATWG rules of the `url` crate.

const URL_PARTS = ['href', 'origin', 'protocol', 'username', 'password', 'host', 'hostname', 'port', 'pathname', 'search', 'hash'];

class URLSearchParams {
    #list = [];
    #url;

    constructor(init = '') {
        if (init === null || init === undefined) return;
        if (typeof init === 'object' || typeof init === 'function') {
            if (typeof init[Symbol.iterator] === 'function') {
                for (const pair of init) {
                    const [name, value, ...rest] = pair;
                    if (rest.length || value === undefined) throw new TypeError('Each query pair must be an iterable [name, value] tuple');
                    this.#list.push([String(name), String(value)]);
                }
            } else {
                for (const name of Object.keys(init)) this.#list.push([name, String(init[name])]);
            }
        } else {
            const text = String(init).toWellFormed();
            this.#parse(text.startsWith('?') ? text.slice(1) : text);
        }
    }

    static _of(url, search) {
        const params = new URLSearchParams(search);
        params.#url = url;
        return params;
    }

    _reset(search) {
        this.#list = [];
        this.#parse(search.startsWith('?') ? search.slice(1) : search);
    }

    #parse(text) {
        const flat = native.formDecode(text);
        for (let i = 0; i < flat.length; i += 2) this.#list.push([flat[i], flat[i + 1]]);
    }

    #changed() {
        if (this.#url) this.#url._searchChanged(this.toString());
    }

    get size() {
        return this.#list.length;
    }

    append(name, value) {
        this.#list.push([String(name), String(value)]);
        this.#changed();
    }

    delete(name, value) {
        name = String(name);
        this.#list = this.#list.filter((pair) => pair[0] !== name || (value !== undefined && pair[1] !== String(value)));
        this.#changed();
    }

    get(name) {
        name = String(name);
        return this.#list.find((pair) => pair[0] === name)?.[1] ?? null;
    }

    getAll(name) {
        name = String(name);
        return this.#list.filter((pair) => pair[0] === name).map((pair) => pair[1]);
    }

    has(name, value) {
        name = String(name);
        return this.#list.some((pair) => pair[0] === name && (value === undefined || pair[1] === String(value)));
    }

    set(name, value) {
        name = String(name);
        const index = this.#list.findIndex((pair) => pair[0] === name);
        if (index === -1) this.#list.push([name, String(value)]);
        else {
            this.#list[index] = [name, String(value)];
            this.#list = this.#list.filter((pair, i) => i <= index || pair[0] !== name);
        }
        this.#changed();
    }

    sort() {
        this.#list.sort((a, b) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0));
        this.#changed();
    }

    forEach(callback, self) {
        for (const [name, value] of this.#list) callback.call(self, value, name, this);
    }

    *entries() {
        for (let i = 0; i < this.#list.length; i++) yield [this.#list[i][0], this.#list[i][1]];
    }

    *keys() {
        for (const [name] of this.entries()) yield name;
    }

    *values() {
        for (const [, value] of this.entries()) yield value;
    }

    toString() {
        const flat = [];
        for (const [name, value] of this.#list) flat.push(name.toWellFormed(), value.toWellFormed());
        return native.formEncode(flat);
    }
}
Object.defineProperty(URLSearchParams.prototype, Symbol.iterator, { value: URLSearchParams.prototype.entries, writable: true, configurable: true });
Object.defineProperty(URLSearchParams.prototype, Symbol.toStringTag, { value: 'URLSearchParams', configurable: true });

class URL {
    #parts;
    #params;

    constructor(input, base) {
        const parts = native.urlParse(String(input).toWellFormed(), base === undefined ? undefined : String(base).toWellFormed());
        if (parts === undefined) {
            const error = new TypeError('Invalid URL');
            error.code = 'ERR_INVALID_URL';
            error.input = String(input);
            throw error;
        }
        this.#parts = parts;
    }

    static canParse(input, base) {
        return native.urlParse(String(input).toWellFormed(), base === undefined ? undefined : String(base).toWellFormed()) !== undefined;
    }

    static parse(input, base) {
        return URL.canParse(input, base) ? new URL(input, base) : null;
    }

    get searchParams() {
        this.#params ??= URLSearchParams._of(this, this.#parts[9]);
        return this.#params;
    }

    _part(index) {
        return this.#parts[index];
    }

    _set(name, value) {
        const parts = native.urlSet(this.#parts[0], name, String(value).toWellFormed());
        if (parts === undefined) {
            if (name === 'href') throw new TypeError('Invalid URL');
            return;
        }
        this.#parts = parts;
        if (this.#params && name !== 'search_only') this.#params._reset(parts[9]);
    }

    _searchChanged(search) {
        const parts = native.urlSet(this.#parts[0], 'search', search);
        if (parts !== undefined) this.#parts = parts;
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
            return this._part(index);
        },
        set: name === 'origin' ? undefined : function (value) {
            this._set(name, value);
        },
        enumerable: true,
        configurable: true
    });
});
Object.defineProperty(URL.prototype, Symbol.toStringTag, { value: 'URL', configurable: true });
