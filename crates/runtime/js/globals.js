// Clock, timers, console, cloning, cancellation, and the response classes of uncontrolledFetch.

// A bundle that reads the clock or draws a random number while it loads must load again for each run: an isolate
// kept warm would go on with yesterday's date. `loading` is set while a bundle's top level runs.
let loading = false;

function noteChance() {
    if (loading) native.markVolatile();
}

const EngineDate = globalThis.Date;

// Set while a run is recorded or repeated: the clock then goes through the tape, in tenths of a millisecond.
let taped = false;
let begunMs = 0;

function beginTape() {
    taped = native.taped();
    begunMs = EngineDate.now();
    begunAt = engineNow();
    if (taped) begunMs = native.clock(begunMs * 10) / 10;
}

// Time since the start of the run, in steps of a tenth of a millisecond.
const engineNow = globalThis.performance.now.bind(globalThis.performance);
let begunAt = 0;

const performance = {
    now() {
        noteChance();
        const ticks = Math.max(0, Math.round((engineNow() - begunAt) * 10));
        return (taped ? native.clock(ticks) : ticks) / 10;
    },
    get timeOrigin() {
        noteChance();
        return begunMs;
    }
};

function Date(...args) {
    if (new.target === undefined) {
        noteChance();
        return new EngineDate(clockMs()).toString();
    }
    if (args.length === 0) {
        noteChance();
        args = [clockMs()];
    } else if (args.length === 1) args = [isoText(args[0])];
    return Reflect.construct(EngineDate, args, new.target === Date ? EngineDate : new.target);
}
Object.defineProperty(Date, 'length', { value: 7, configurable: true });
Object.defineProperty(Date, 'prototype', { value: EngineDate.prototype, writable: false });
Object.defineProperty(Date, 'UTC', { value: EngineDate.UTC, writable: true, configurable: true });
Object.defineProperty(Date, 'parse', { value: (text) => EngineDate.parse(isoText(text)), writable: true, configurable: true });
Object.defineProperty(Date, 'now', {
    value: function now() {
        noteChance();
        return clockMs();
    },
    writable: true,
    configurable: true
});
Object.defineProperty(EngineDate.prototype, 'constructor', { value: Date, writable: true, configurable: true });

function random() {
    noteChance();
    return native.randomFloat();
}

// The engine knows the zone `Z` in upper case only.
function isoText(value) {
    return typeof value === 'string' && value.endsWith('z') ? `${value.slice(0, -1)}Z` : value;
}

const timers = new Map();

function setTimeout(callback, delay = 0, ...args) {
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    if (replaying()) return pause(callback, args, clampDelay(delay));
    const id = native.timer(clampDelay(delay));
    timers.set(id, { callback, args });
    return id;
}

function setInterval(callback, delay = 0, ...args) {
    if (typeof callback !== 'function') throw new TypeError('The "callback" argument must be of type function.');
    const interval = Math.max(1, clampDelay(delay));
    if (replaying()) return pause(callback, args, interval, interval);
    const id = native.timer(interval);
    timers.set(id, { callback, args, interval });
    return id;
}

function setImmediate(callback, ...args) {
    return setTimeout(callback, 0, ...args);
}

function clearTimeout(id) {
    if (timers.delete(id)) native.clearTimer(id);
}

function clampDelay(delay) {
    const ms = Number(delay);
    return ms >= 1 && ms <= 2147483647 ? Math.floor(ms) : ms > 2147483647 ? 1 : 0;
}

function fireTimer(id) {
    const timer = timers.get(id);
    if (timer === undefined) return;
    if (replaying()) return endPause(id);
    if (timer.interval === undefined) timers.delete(id);
    else native.rearm(id, timer.interval);
    timer.callback(...timer.args);
}

const console = {};
for (const [name, level] of [['log', 'info'], ['info', 'info'], ['warn', 'warn'], ['error', 'error'], ['debug', 'debug'], ['trace', 'debug'], ['dir', 'info'], ['table', 'info']]) {
    console[name] = (...args) => {
        if (run?.context.isCLI) sendLog(level, args.map((arg) => (typeof arg === 'string' ? arg : readable(arg))).join(' '), undefined);
    };
}
for (const name of ['assert', 'clear', 'count', 'countReset', 'group', 'groupCollapsed', 'groupEnd', 'time', 'timeEnd', 'timeLog']) console[name] = () => {};

function structuredClone(value) {
    const seen = new Map();
    const refuse = (what) => {
        const error = new Error(`${what} could not be cloned.`);
        error.name = 'DataCloneError';
        throw error;
    };
    const copy = (source) => {
        if (typeof source === 'function') refuse(String(source.name || 'function'));
        if (typeof source === 'symbol') refuse(String(source));
        if (typeof source !== 'object' || source === null) return source;
        if (seen.has(source)) return seen.get(source);
        const keep = (target) => {
            seen.set(source, target);
            return target;
        };
        if (source instanceof Date) return keep(new Date(source.getTime()));
        if (source instanceof RegExp) return keep(new RegExp(source.source, source.flags));
        if (source instanceof ArrayBuffer) return keep(source.slice(0));
        if (ArrayBuffer.isView(source)) {
            const buffer = copy(source.buffer);
            if (source instanceof DataView) return keep(new DataView(buffer, source.byteOffset, source.byteLength));
            const type = source instanceof Buffer ? Uint8Array : source.constructor;
            return keep(new type(buffer, source.byteOffset, source.length));
        }
        if (source instanceof Map) {
            const target = keep(new Map());
            for (const [key, item] of source) target.set(copy(key), copy(item));
            return target;
        }
        if (source instanceof Set) {
            const target = keep(new Set());
            for (const item of source) target.add(copy(item));
            return target;
        }
        if (source instanceof Error) {
            const target = keep(new Error(source.message));
            target.name = source.name;
            target.stack = source.stack;
            if ('cause' in source) target.cause = copy(source.cause);
            return target;
        }
        if (source instanceof Promise || source instanceof WeakMap || source instanceof WeakSet) refuse(`#<${source.constructor.name}>`);
        const target = keep(Array.isArray(source) ? new Array(source.length) : {});
        for (const key of Object.keys(source)) target[key] = copy(source[key]);
        return target;
    };
    return copy(value);
}

class AbortSignal {
    aborted = false;
    reason = undefined;
    onabort = null;
    #listeners = new Set();

    addEventListener(type, listener) {
        if (type === 'abort') this.#listeners.add(listener);
    }

    removeEventListener(type, listener) {
        this.#listeners.delete(listener);
    }

    throwIfAborted() {
        if (this.aborted) throw this.reason;
    }

    _abort(reason) {
        if (this.aborted) return;
        this.aborted = true;
        this.reason = reason;
        const event = { type: 'abort', target: this };
        if (typeof this.onabort === 'function') this.onabort(event);
        for (const listener of this.#listeners) {
            if (typeof listener === 'function') listener.call(this, event);
            else listener?.handleEvent?.(event);
        }
    }

    static abort(reason) {
        const controller = new AbortController();
        controller.abort(reason);
        return controller.signal;
    }

    static timeout(ms) {
        const controller = new AbortController();
        setTimeout(() => controller.abort(abortReason('TimeoutError', 'The operation was aborted due to timeout')), ms);
        return controller.signal;
    }
}

function abortReason(name, message) {
    const error = new Error(message);
    error.name = name;
    return error;
}

class AbortController {
    signal = new AbortSignal();

    abort(reason) {
        this.signal._abort(reason === undefined ? abortReason('AbortError', 'This operation was aborted') : reason);
    }
}

class Headers {
    #map = new Map();

    constructor(init) {
        if (init === undefined || init === null) return;
        const pairs = typeof init[Symbol.iterator] === 'function' ? init : Object.entries(init);
        for (const [name, value] of pairs) this.append(name, value);
    }

    append(name, value) {
        name = String(name).toLowerCase();
        this.#map.set(name, this.#map.has(name) ? `${this.#map.get(name)}, ${value}` : String(value));
    }

    set(name, value) {
        this.#map.set(String(name).toLowerCase(), String(value));
    }

    get(name) {
        return this.#map.get(String(name).toLowerCase()) ?? null;
    }

    has(name) {
        return this.#map.has(String(name).toLowerCase());
    }

    delete(name) {
        this.#map.delete(String(name).toLowerCase());
    }

    forEach(callback, self) {
        for (const [name, value] of this) callback.call(self, value, name, this);
    }

    *entries() {
        for (const name of [...this.#map.keys()].sort()) yield [name, this.#map.get(name)];
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

class Response {
    #bytes;
    #used = false;

    constructor(body = null, init = {}) {
        this.#bytes = body === null || body === undefined ? new Uint8Array(0) : isBytes(body) ? viewOf(body) : textToBytes(body, 'utf8');
        this.status = init.status ?? 200;
        this.statusText = init.statusText ?? '';
        this.headers = init.headers instanceof Headers ? init.headers : new Headers(init.headers);
        this.url = init.url ?? '';
        this.redirected = init.redirected ?? false;
        this.type = 'default';
    }

    get ok() {
        return this.status >= 200 && this.status < 300;
    }

    get bodyUsed() {
        return this.#used;
    }

    get body() {
        const take = () => this.#take();
        let sent = false;
        const read = async () => {
            if (sent) return { done: true, value: undefined };
            sent = true;
            return { done: false, value: take() };
        };
        return {
            getReader: () => ({ read, releaseLock() {}, cancel: async () => {} }),
            [Symbol.asyncIterator]: () => ({ next: read })
        };
    }

    #take() {
        if (this.#used) throw new TypeError('Body is unusable: Body has already been read');
        this.#used = true;
        return this.#bytes;
    }

    async text() {
        const text = native.utf8(this.#take(), false);
        return text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }

    async json() {
        return JSON.parse(await this.text());
    }

    async arrayBuffer() {
        const bytes = this.#take();
        return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    }

    async bytes() {
        return new Uint8Array(await this.arrayBuffer());
    }

    clone() {
        if (this.#used) throw new TypeError('Response.clone: Body has already been consumed.');
        return new Response(this.#bytes, this);
    }
}

function btoa(text) {
    const source = String(text);
    for (let i = 0; i < source.length; i++) if (source.charCodeAt(i) > 255) throw abortReason('InvalidCharacterError', 'Invalid character');
    return native.encode(textToBytes(source, 'latin1'), 'base64');
}

function atob(text) {
    const source = String(text).replace(/[\t\n\f\r ]/g, '');
    if (!/^[A-Za-z0-9+/]*={0,2}$/.test(source) || source.replace(/=+$/, '').length % 4 === 1) throw abortReason('InvalidCharacterError', 'The string to be decoded is not correctly encoded.');
    return native.encode(textToBytes(source, 'base64'), 'latin1');
}
