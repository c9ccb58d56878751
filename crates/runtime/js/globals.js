// Clock, timers, console.

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
    },
    toJSON() {
        return { timeOrigin: this.timeOrigin };
    },
    mark() {},
    measure() {}
};

function Date(...args) {
    if (new.target === undefined) {
        noteChance();
        return new EngineDate(clockMs()).toString();
    }
    if (args.length === 0) {
        noteChance();
        args = [clockMs()];
    } else if (args.length === 1) args = [dateValue(args[0])];
    return Reflect.construct(EngineDate, args, new.target === Date ? EngineDate : new.target);
}
Object.defineProperty(Date, 'length', { value: 7, configurable: true });
Object.defineProperty(Date, 'prototype', { value: EngineDate.prototype, writable: false });
Object.defineProperty(Date, 'UTC', { value: EngineDate.UTC, writable: true, configurable: true });
Object.defineProperty(Date, 'parse', { value: function parse(text) {
        return native.parseDate(`${text}`.toWellFormed());
    }, writable: true, configurable: true });
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

// What a date is made from: texts are read by the rules that functions were written for, not by the engine's own.
function dateValue(value) {
    if (typeof value === 'object' && value !== null && !isDate(value)) value = primitive(value);
    return typeof value === 'string' ? native.parseDate(value.toWellFormed()) : value;
}

const engineTime = EngineDate.prototype.getTime;

function isDate(value) {
    return attempt(() => (engineTime.call(value), true), false);
}

function primitive(value) {
    const convert = value[Symbol.toPrimitive];
    if (convert !== undefined && convert !== null) return convert.call(value, 'default');
    const plain = value.valueOf();
    return typeof plain === 'object' && plain !== null ? String(value) : plain;
}

const timers = new Map();

// What `setTimeout` answers. The worker knows a timer by its number.
class Timeout {
    #id;
    #begin;

    constructor(begin) {
        this.#begin = begin;
        this.#id = begin();
    }

    ref() {
        return this;
    }

    unref() {
        return this;
    }

    hasRef() {
        return true;
    }

    refresh() {
        if (!timers.has(this.#id)) return this;
        clearTimeout(this.#id);
        this.#id = this.#begin();
        return this;
    }

    close() {
        clearTimeout(this.#id);
        return this;
    }

    [Symbol.toPrimitive]() {
        return this.#id;
    }
}

function needCallback(callback) {
    if (typeof callback !== 'function') throw wrongType('"callback" argument', 'of type function', callback);
}

function beginTimer(callback, args, delay, interval) {
    if (replaying()) return pause(callback, args, delay, interval);
    const id = native.timer(delay);
    timers.set(id, { callback, args, interval });
    return id;
}

function setTimeout(callback, delay = 0, ...args) {
    needCallback(callback);
    return new Timeout(() => beginTimer(callback, args, clampDelay(delay)));
}

function setInterval(callback, delay = 0, ...args) {
    needCallback(callback);
    const interval = Math.max(1, clampDelay(delay));
    return new Timeout(() => beginTimer(callback, args, interval, interval));
}

function setImmediate(callback, ...args) {
    return setTimeout(callback, 0, ...args);
}

function clearTimeout(timer) {
    const id = timer instanceof Timeout ? +timer : Number(timer);
    if (timers.delete(id)) native.clearTimer(id);
}

const engineMicrotask = globalThis.queueMicrotask;

function queueMicrotask(callback) {
    needCallback(callback);
    engineMicrotask(callback);
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
for (const [name, level] of [['log', 'info'], ['info', 'info'], ['warn', 'warn'], ['error', 'error'], ['debug', 'debug'], ['trace', 'debug'], ['dir', 'info'], ['table', 'info'], ['dirxml', 'info']]) {
    console[name] = (...args) => {
        if (run?.context.isCLI) sendLog(level, args.map((arg) => (typeof arg === 'string' ? arg : readable(arg))).join(' '), undefined);
    };
}
for (const name of ['assert', 'clear', 'count', 'countReset', 'group', 'groupCollapsed', 'groupEnd', 'time', 'timeEnd', 'timeLog']) console[name] = () => {};

// What a weak reference was made of or led to stays until the piece of work is over, as the language wants it: the engine
// counts references and would drop it at once.
const keptTargets = new Set();

function keepTarget(target) {
    if (target === undefined) return target;
    if (keptTargets.size === 0) Promise.resolve().then(() => keptTargets.clear());
    keptTargets.add(target);
    return target;
}

class KeptRef extends WeakRef {
    constructor(target) {
        super(target);
        keepTarget(target);
    }

    deref() {
        return keepTarget(super.deref());
    }
}
Object.defineProperty(KeptRef, 'name', { value: 'WeakRef' });
