// Cancellation, and the response classes of uncontrolledFetch.

// An error of the kind that browsers throw: a name and a number in place of a class.
function domError(name, code, message) {
    const error = new Error(message);
    Object.defineProperty(error, 'name', { value: name, writable: true, configurable: true });
    Object.defineProperty(error, 'code', { value: code, writable: true, configurable: true });
    return error;
}

const MAKING = Symbol('making a signal');
let abortSignal;

class AbortSignal {
    #aborted = false;
    #reason = undefined;
    #listeners = new Map();
    #handler = null;

    static {
        abortSignal = (signal, reason) => signal.#abort(reason);
    }

    constructor(key) {
        if (key !== MAKING) throw codedError(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor');
    }

    get aborted() {
        return this.#aborted;
    }

    get reason() {
        return this.#reason;
    }

    get onabort() {
        return this.#handler;
    }

    set onabort(handler) {
        if (this.#handler !== null) this.#listeners.delete(this.#handler);
        this.#handler = typeof handler === 'function' ? handler : null;
        if (this.#handler !== null) this.#listeners.set(this.#handler, false);
    }

    addEventListener(type, listener, options) {
        if (type === 'abort' && listener) this.#listeners.set(listener, Boolean(options?.once));
    }

    removeEventListener(type, listener) {
        if (type === 'abort') this.#listeners.delete(listener);
    }

    dispatchEvent(event) {
        for (const [listener, once] of [...this.#listeners]) {
            if (once) this.#listeners.delete(listener);
            if (typeof listener === 'function') listener.call(this, event);
            else listener.handleEvent?.(event);
        }
        return true;
    }

    throwIfAborted() {
        if (this.#aborted) throw this.#reason;
    }

    #abort(reason) {
        if (this.#aborted) return;
        this.#aborted = true;
        this.#reason = reason === undefined ? domError('AbortError', 20, 'This operation was aborted') : reason;
        this.dispatchEvent({ type: 'abort', target: this, currentTarget: this });
    }

    static abort(reason) {
        const signal = new AbortSignal(MAKING);
        abortSignal(signal, reason);
        return signal;
    }

    static timeout(ms) {
        const signal = new AbortSignal(MAKING);
        setTimeout(() => abortSignal(signal, domError('TimeoutError', 23, 'The operation was aborted due to timeout')), ms);
        return signal;
    }

    static any(signals) {
        const all = [...signals];
        const signal = new AbortSignal(MAKING);
        const first = all.find((one) => one.aborted);
        if (first !== undefined) abortSignal(signal, first.reason);
        else for (const one of all) one.addEventListener('abort', () => abortSignal(signal, one.reason));
        return signal;
    }
}
Object.defineProperty(AbortSignal.prototype, Symbol.toStringTag, { value: 'AbortSignal', configurable: true });

class AbortController {
    #signal = new AbortSignal(MAKING);

    get signal() {
        return this.#signal;
    }

    abort(reason) {
        abortSignal(this.#signal, reason);
    }
}
Object.defineProperty(AbortController.prototype, Symbol.toStringTag, { value: 'AbortController', configurable: true });

function headerName(name) {
    const text = String(name);
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(text)) throw new TypeError(`Headers: ${text} is an invalid header name.`);
    return text.toLowerCase();
}

function headerValue(value) {
    const text = String(value).replace(/^[\t\n\r ]+|[\t\n\r ]+$/g, '');
    if (/[\0\n\r]/.test(text)) throw new TypeError(`Headers: ${text} is an invalid header value.`);
    return text;
}

class Headers {
    #map = new Map();

    constructor(init) {
        if (init === undefined || init === null) return;
        if (typeof init !== 'object' && typeof init !== 'function') throw new TypeError('Headers constructor: the first argument must be an object or a list of pairs.');
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const pair of pairs) {
            const [name, value, ...rest] = pair;
            if (value === undefined || rest.length > 0) throw new TypeError('Headers constructor: expected name/value pair to be length 2.');
            this.append(name, value);
        }
    }

    append(name, value) {
        const [key, text] = [headerName(name), headerValue(value)];
        if (this.#map.has(key)) this.#map.get(key).push(text);
        else this.#map.set(key, [text]);
    }

    set(name, value) {
        this.#map.set(headerName(name), [headerValue(value)]);
    }

    get(name) {
        return this.#map.get(headerName(name))?.join(', ') ?? null;
    }

    getSetCookie() {
        return [...(this.#map.get('set-cookie') ?? [])];
    }

    has(name) {
        return this.#map.has(headerName(name));
    }

    delete(name) {
        this.#map.delete(headerName(name));
    }

    forEach(callback, self) {
        for (const [name, value] of this) callback.call(self, value, name, this);
    }

    *entries() {
        for (const name of [...this.#map.keys()].sort()) {
            if (name === 'set-cookie') for (const value of this.#map.get(name)) yield [name, value];
            else yield [name, this.#map.get(name).join(', ')];
        }
    }

    *keys() {
        for (const [name] of this.entries()) yield name;
    }

    *values() {
        for (const [, value] of this.entries()) yield value;
    }

    [Symbol.iterator]() {
        return this.entries();
    }
}
Object.defineProperty(Headers.prototype, Symbol.toStringTag, { value: 'Headers', configurable: true });

// What came, as far as `response.blob()` gives it.
class Blob {
    #bytes;

    constructor(bytes, type) {
        this.#bytes = bytes;
        Object.defineProperties(this, { size: { value: bytes.length }, type: { value: type } });
    }

    async text() {
        return native.utf8(this.#bytes, false);
    }

    async arrayBuffer() {
        return this.#bytes.slice().buffer;
    }

    async bytes() {
        return this.#bytes.slice();
    }
}
Object.defineProperty(Blob.prototype, Symbol.toStringTag, { value: 'Blob', configurable: true });

// Marks what a server answered, which keeps to no rule.
const RECEIVED = Symbol('received');

function bodyBytes(body) {
    return isBytes(body) ? viewOf(body) : textToBytes(body, 'utf8');
}

class Response {
    #bytes;
    #used = false;

    constructor(body = null, init = {}) {
        const status = init.status ?? 200;
        if (!(Number.isInteger(status) && ((status >= 200 && status <= 599) || init.received === RECEIVED))) throw new RangeError('init["status"] must be in the range of 200 to 599, inclusive.');
        const empty = body === null || body === undefined;
        if (!empty && init.received !== RECEIVED && [204, 205, 304].includes(status)) throw new TypeError(`Response constructor: Invalid response status code ${status}`);
        this.#bytes = empty ? undefined : bodyBytes(body);
        this.status = status;
        this.statusText = init.statusText ?? '';
        this.headers = init.received === RECEIVED ? init.headers : new Headers(init.headers);
        this.url = init.url ?? '';
        this.redirected = init.redirected ?? false;
        this.type = init.received === RECEIVED ? 'basic' : 'default';
        if (empty || init.received === RECEIVED || this.headers.has('content-type')) return;
        if (body instanceof URLSearchParams) this.headers.set('content-type', 'application/x-www-form-urlencoded;charset=UTF-8');
        else if (!isBytes(body)) this.headers.set('content-type', 'text/plain;charset=UTF-8');
    }

    static json(data, init = {}) {
        const response = new Response(JSON.stringify(data), init);
        if (!new Headers(init.headers).has('content-type')) response.headers.set('content-type', 'application/json');
        return response;
    }

    static error() {
        const response = new Response(null, { status: 0, headers: new Headers(), received: RECEIVED });
        response.type = 'error';
        return response;
    }

    get ok() {
        return this.status >= 200 && this.status < 300;
    }

    get bodyUsed() {
        return this.#used;
    }

    get body() {
        if (this.#bytes === undefined) return null;
        const take = () => this.#take();
        let sent = this.#bytes.length === 0;
        const read = async () => {
            if (sent) return { done: true, value: undefined };
            sent = true;
            return { done: false, value: new Uint8Array(take()) };
        };
        return {
            locked: false,
            getReader: () => ({ read, releaseLock() {}, cancel: async () => {} }),
            cancel: async () => {},
            [Symbol.asyncIterator]: () => ({ next: read, return: async () => ({ done: true, value: undefined }) })
        };
    }

    #take() {
        if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
        this.#used = this.#bytes !== undefined;
        return this.#bytes ?? new Uint8Array(0);
    }

    async text() {
        const text = native.utf8(this.#take(), false);
        return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }

    async json() {
        return JSON.parse(await this.text());
    }

    async arrayBuffer() {
        return new Uint8Array(this.#take()).buffer;
    }

    async bytes() {
        return new Uint8Array(this.#take());
    }

    async blob() {
        return new Blob(new Uint8Array(this.#take()), this.headers.get('content-type') ?? '');
    }

    clone() {
        if (this.#used) throw new TypeError('Response.clone: Body has already been consumed.');
        const { status, statusText, url, redirected } = this;
        const copy = new Response(this.#bytes, { status, statusText, url, redirected, headers: new Headers(this.headers), received: RECEIVED });
        copy.type = this.type;
        return copy;
    }
}
Object.defineProperty(Response.prototype, Symbol.toStringTag, { value: 'Response', configurable: true });
