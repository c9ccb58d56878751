// Buffer and text encoding. Conversions happen in Rust; views are ordinary typed arrays.

const ENCODINGS = { __proto__: null, utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', latin1: 'latin1', binary: 'latin1', ascii: 'latin1', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le' };

function encodingName(encoding) {
    if (encoding === undefined || encoding === null || encoding === '') return 'utf8';
    const name = ENCODINGS[String(encoding).toLowerCase()];
    if (name === undefined) {
        const error = new TypeError(`Unknown encoding: ${encoding}`);
        error.code = 'ERR_UNKNOWN_ENCODING';
        throw error;
    }
    return name;
}

function textToBytes(text, encoding) {
    return new Uint8Array(native.decode(String(text).toWellFormed(), encodingName(encoding)));
}

function viewOf(value) {
    if (value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object SharedArrayBuffer]') return new Uint8Array(value);
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return undefined;
}

function isBytes(value) {
    return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

class Buffer extends Uint8Array {
    constructor(value, encodingOrOffset, length) {
        if (typeof value === 'string') super(textToBytes(value, encodingOrOffset).buffer);
        else if (value === undefined) super(0);
        else if (encodingOrOffset === undefined) super(value);
        else super(value, encodingOrOffset, length);
    }

    static from(value, encodingOrOffset, length) {
        if (typeof value === 'string') return new Buffer(textToBytes(value, encodingOrOffset).buffer);
        if (value instanceof ArrayBuffer) return new Buffer(value, encodingOrOffset ?? 0, length);
        if (value && value.type === 'Buffer' && Array.isArray(value.data)) return new Buffer(value.data);
        if (ArrayBuffer.isView(value)) return new Buffer(value);
        if (value && typeof value === 'object') {
            const primitive = typeof value.valueOf === 'function' ? value.valueOf() : value;
            if (primitive !== value && primitive !== null && primitive !== undefined) return Buffer.from(primitive, encodingOrOffset, length);
            return new Buffer(Array.from(value));
        }
        throw new TypeError('The first argument must be of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object.');
    }

    static of(...items) {
        return new Buffer(items);
    }

    static alloc(size, fill, encoding) {
        const buffer = new Buffer(size);
        return fill === undefined ? buffer : buffer.fill(fill, encoding);
    }

    static allocUnsafe(size) {
        return new Buffer(size);
    }

    static allocUnsafeSlow(size) {
        return new Buffer(size);
    }

    static isBuffer(value) {
        return value instanceof Buffer;
    }

    static isEncoding(encoding) {
        return typeof encoding === 'string' && encoding.toLowerCase() in ENCODINGS;
    }

    static byteLength(value, encoding) {
        return typeof value === 'string' ? textToBytes(value, encoding).length : value.byteLength;
    }

    static concat(list, total) {
        const length = total ?? list.reduce((sum, item) => sum + item.length, 0);
        const result = new Buffer(length);
        let at = 0;
        for (const item of list) {
            if (at >= length) break;
            result.set(at + item.length > length ? item.subarray(0, length - at) : item, at);
            at += item.length;
        }
        return result;
    }

    static compare(a, b) {
        const shorter = Math.min(a.length, b.length);
        for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
        return a.length === b.length ? 0 : a.length < b.length ? -1 : 1;
    }

    toString(encoding, start = 0, end = this.length) {
        const part = start === 0 && end >= this.length ? this : this.subarray(start, end);
        return native.encode(part, encodingName(encoding));
    }

    toLocaleString(encoding, start, end) {
        return this.toString(encoding, start, end);
    }

    toJSON() {
        return { type: 'Buffer', data: Array.from(this) };
    }

    equals(other) {
        return Buffer.compare(this, other) === 0;
    }

    compare(other) {
        return Buffer.compare(this, other);
    }

    slice(start, end) {
        return this.subarray(start, end);
    }

    write(text, offset = 0, length = undefined, encoding = undefined) {
        if (typeof offset === 'string') [offset, length, encoding] = [0, undefined, offset];
        else if (typeof length === 'string') [length, encoding] = [undefined, length];
        const bytes = textToBytes(text, encoding).subarray(0, Math.min(length ?? Infinity, this.length - offset));
        this.set(bytes, offset);
        return bytes.length;
    }

    copy(target, targetStart = 0, start = 0, end = this.length) {
        const part = this.subarray(start, Math.min(end, start + target.length - targetStart));
        target.set(part, targetStart);
        return part.length;
    }

    fill(value, start = 0, end = this.length, encoding = undefined) {
        if (typeof start === 'string') [start, end, encoding] = [0, this.length, start];
        if (typeof value === 'number') return super.fill(value, start, end);
        const pattern = typeof value === 'string' ? textToBytes(value, encoding) : viewOf(value);
        if (pattern.length === 0) return super.fill(0, start, end);
        for (let i = start; i < end; i++) this[i] = pattern[(i - start) % pattern.length];
        return this;
    }

    indexOf(value, from = 0, encoding = undefined) {
        if (typeof value === 'number') return super.indexOf(value & 255, from);
        const needle = typeof value === 'string' ? textToBytes(value, encoding) : viewOf(value);
        outer: for (let i = Math.max(0, from < 0 ? this.length + from : from); i + needle.length <= this.length; i++) {
            for (let j = 0; j < needle.length; j++) if (this[i + j] !== needle[j]) continue outer;
            return i;
        }
        return -1;
    }

    includes(value, from, encoding) {
        return this.indexOf(value, from, encoding) !== -1;
    }

    readUIntBE(offset, size) {
        let value = 0;
        for (let i = 0; i < size; i++) value = value * 256 + this[offset + i];
        return value;
    }

    readUIntLE(offset, size) {
        let value = 0;
        for (let i = size - 1; i >= 0; i--) value = value * 256 + this[offset + i];
        return value;
    }
}

// Packages copy the static methods by looping over them, as they can in Node.
for (const name of Object.getOwnPropertyNames(Buffer)) {
    if (typeof Buffer[name] === 'function') Object.defineProperty(Buffer, name, { enumerable: true });
}

function dataView(buffer) {
    return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}
for (const [name, method, size] of [
    ['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4],
    ['UInt32', 'Uint32', 4], ['Float', 'Float32', 4], ['Double', 'Float64', 8], ['BigInt64', 'BigInt64', 8], ['BigUInt64', 'BigUint64', 8]
]) {
    for (const [suffix, little] of size === 1 ? [['', true]] : [['LE', true], ['BE', false]]) {
        const read = function (offset = 0) {
            return dataView(this)[`get${method}`](offset, little);
        };
        const write = function (value, offset = 0) {
            dataView(this)[`set${method}`](offset, value, little);
            return offset + size;
        };
        Object.defineProperty(Buffer.prototype, `read${name}${suffix}`, { value: read, writable: true, configurable: true });
        Object.defineProperty(Buffer.prototype, `write${name}${suffix}`, { value: write, writable: true, configurable: true });
        if (name.startsWith('UInt')) {
            Object.defineProperty(Buffer.prototype, `read${name.replace('UInt', 'Uint')}${suffix}`, { value: read, writable: true, configurable: true });
            Object.defineProperty(Buffer.prototype, `write${name.replace('UInt', 'Uint')}${suffix}`, { value: write, writable: true, configurable: true });
        }
    }
}

class TextEncoder {
    get encoding() {
        return 'utf-8';
    }

    encode(text = '') {
        return textToBytes(text, 'utf8');
    }

    encodeInto(text, target) {
        const bytes = textToBytes(text, 'utf8').subarray(0, target.length);
        target.set(bytes);
        return { read: String(text).length, written: bytes.length };
    }
}

class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;

    constructor(label = 'utf-8', options = {}) {
        const name = String(label).trim().toLowerCase();
        if (['utf-8', 'utf8', 'unicode-1-1-utf-8'].includes(name)) this.#encoding = 'utf-8';
        else if (['latin1', 'iso-8859-1', 'ascii', 'us-ascii', 'windows-1252'].includes(name)) this.#encoding = 'windows-1252';
        else if (['utf-16le', 'utf-16', 'ucs-2'].includes(name)) this.#encoding = 'utf-16le';
        else throw new RangeError(`The "${label}" encoding is not supported`);
        this.#fatal = Boolean(options.fatal);
        this.#ignoreBOM = Boolean(options.ignoreBOM);
    }

    get encoding() {
        return this.#encoding;
    }

    get fatal() {
        return this.#fatal;
    }

    get ignoreBOM() {
        return this.#ignoreBOM;
    }

    decode(value) {
        if (value === undefined) return '';
        const bytes = viewOf(value);
        if (bytes === undefined) throw new TypeError('The "list" argument must be an instance of ArrayBuffer or ArrayBufferView');
        if (this.#encoding === 'windows-1252') return native.encode(bytes, 'latin1');
        if (this.#encoding === 'utf-16le') return native.encode(bytes, 'utf16le');
        const text = native.utf8(bytes, this.#fatal);
        return !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff ? text.slice(1) : text;
    }
}
