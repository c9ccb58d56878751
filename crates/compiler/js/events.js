'use strict';

class EventEmitter {
    constructor() {
        EventEmitter.init.call(this);
    }

    static init() {
        if (!Object.hasOwn(this, '_events') || this._events === undefined) {
            this._events = Object.create(null);
            this._eventsCount = 0;
        }
        this._maxListeners ??= undefined;
    }

    _listeners(name) {
        if (this._events === undefined) EventEmitter.init.call(this);
        return this._events[name] ?? [];
    }

    _insert(name, listener, once, first) {
        if (typeof listener !== 'function') throw new TypeError(`The "listener" argument must be of type function. Received ${listener === null ? 'null' : typeof listener}`);
        const listeners = this._listeners(name);
        if (this._events.newListener !== undefined) this.emit('newListener', name, listener);
        const entry = { listener, once };
        this._events[name] = first ? [entry, ...listeners] : [...listeners, entry];
        return this;
    }

    on(name, listener) {
        return this._insert(name, listener, false, false);
    }

    addListener(name, listener) {
        return this.on(name, listener);
    }

    prependListener(name, listener) {
        return this._insert(name, listener, false, true);
    }

    once(name, listener) {
        return this._insert(name, listener, true, false);
    }

    prependOnceListener(name, listener) {
        return this._insert(name, listener, true, true);
    }

    off(name, listener) {
        const listeners = this._listeners(name);
        const at = listeners.findLastIndex((entry) => entry.listener === listener);
        if (at >= 0) {
            const rest = listeners.toSpliced(at, 1);
            if (rest.length > 0) this._events[name] = rest;
            else delete this._events[name];
            if (this._events.removeListener !== undefined) this.emit('removeListener', name, listener);
        }
        return this;
    }

    removeListener(name, listener) {
        return this.off(name, listener);
    }

    removeAllListeners(name) {
        this._listeners(name);
        if (name === undefined) this._events = Object.create(null);
        else delete this._events[name];
        return this;
    }

    emit(name, ...args) {
        const listeners = this._listeners(name);
        if (listeners.length === 0) {
            if (name !== 'error') return false;
            if (args[0] instanceof Error) throw args[0];
            const error = new Error(`Unhandled error. (${String(args[0])})`);
            error.code = 'ERR_UNHANDLED_ERROR';
            error.context = args[0];
            throw error;
        }
        for (const entry of listeners) {
            if (entry.once) this.off(name, entry.listener);
            entry.listener.apply(this, args);
        }
        return true;
    }

    listeners(name) {
        return this._listeners(name).map((entry) => entry.listener);
    }

    rawListeners(name) {
        return this.listeners(name);
    }

    listenerCount(name) {
        return this._listeners(name).length;
    }

    eventNames() {
        this._listeners('');
        return Reflect.ownKeys(this._events);
    }

    setMaxListeners(count) {
        this._maxListeners = count;
        return this;
    }

    getMaxListeners() {
        return this._maxListeners ?? EventEmitter.defaultMaxListeners;
    }
}

// Older packages call the constructor without `new`: `EventEmitter.call(this)`.
function Emitter(...args) {
    if (new.target !== undefined) return Reflect.construct(EventEmitter, args, new.target);
    EventEmitter.init.call(this);
}
Emitter.prototype = EventEmitter.prototype;
Object.defineProperty(Emitter.prototype, 'constructor', { value: Emitter, writable: true, configurable: true });
Emitter.init = EventEmitter.init;
Emitter.defaultMaxListeners = 10;
EventEmitter.defaultMaxListeners = 10;
Emitter.listenerCount = (emitter, name) => emitter.listenerCount(name);
Emitter.once = (emitter, name) =>
    new Promise((resolve, reject) => {
        const failed = (error) => {
            emitter.off(name, done);
            reject(error);
        };
        const done = (...args) => {
            emitter.off('error', failed);
            resolve(args);
        };
        emitter.once(name, done);
        if (name !== 'error') emitter.once('error', failed);
    });
Emitter.EventEmitter = Emitter;
module.exports = Emitter;
