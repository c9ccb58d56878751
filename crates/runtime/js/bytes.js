// Buffer. Conversions happen in Rust; views are ordinary typed arrays.

const ENCODINGS = { __proto__: null, utf8: 'utf8', 'utf-8': 'utf8', hex: 'hex', base64: 'base64', base64url: 'base64url', latin1: 'latin1', binary: 'latin1', ascii: 'ascii', ucs2: 'utf16le', 'ucs-2': 'utf16le', utf16le: 'utf16le', 'utf-16le': 'utf16le' };
const BUFFER_LENGTH_MAX = 9007199254740991;

function encodingName(encoding) {
    if (encoding === undefined || encoding === null || encoding === '') return 'utf8';
    const name = ENCODINGS[encoding] ?? ENCODINGS[String(encoding).toLowerCase()];
    if (name === undefined) throw codedError(TypeError, 'ERR_UNKNOWN_ENCODING', `Unknown encoding: ${String(encoding)}`);
    return name;
}

function textToBytes(text, encoding) {
    const name = encodingName(encoding);
    const source = String(text);
    // Halves of a character count as any other unit where a byte stands for one.
    const whole = name === 'latin1' || name === 'ascii' ? source.replace(/\p{Cs}/gu, (half) => String.fromCharCode(half.charCodeAt(0) & 0xff)) : source.toWellFormed();
    if (name !== 'utf16le') return new Uint8Array(native.decode(whole, name));
    const units = new Uint16Array(source.length);
    for (let i = 0; i < source.length; i++) units[i] = source.charCodeAt(i);
    return new Uint8Array(units.buffer);
}

function bytesToText(bytes, encoding) {
    const name = encodingName(encoding);
    if (name !== 'utf16le') return native.encode(bytes, name);
    let text = '';
    for (let i = 0; i + 1 < bytes.length; i += 2) text += String.fromCharCode(bytes[i] | (bytes[i + 1] << 8));
    return text;
}

function viewOf(value) {
    if (value instanceof ArrayBuffer || Object.prototype.toString.call(value) === '[object SharedArrayBuffer]') return new Uint8Array(value);
    if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return undefined;
}

function isBytes(value) {
    return value instanceof ArrayBuffer || ArrayBuffer.isView(value);
}

function wrongType(name, wanted, value) {
    const shown = value === null || value === undefined ? String(value) : typeof value === 'object' || typeof value === 'function' ? `an instance of ${attempt(() => value.constructor.name, 'Object')}` : `type ${typeof value} (${attempt(() => String(value), '')})`;
    return codedError(TypeError, 'ERR_INVALID_ARG_TYPE', `The ${name} must be ${wanted}. Received ${shown}`);
}

function outOfRange(name, wanted, value) {
    return codedError(RangeError, 'ERR_OUT_OF_RANGE', `The value of "${name}" is out of range. It must be ${wanted}. Received ${String(value)}`);
}

// A place or a length: a whole number within bounds.
function checkPlace(name, value, least, most) {
    if (typeof value !== 'number') throw wrongType(`"${name}" argument`, 'of type number', value);
    if (!Number.isInteger(value)) throw outOfRange(name, 'an integer', value);
    if (value < least || value > most) throw outOfRange(name, `>= ${least} && <= ${most}`, value);
    return value;
}

// Places that Node rounds and clamps instead of refusing.
function clampPlace(value, otherwise, length) {
    const place = value === undefined ? otherwise : Math.trunc(Number(value)) || 0;
    return Math.min(Math.max(place, 0), length);
}

function mustBeBytes(name, value) {
    if (!(value instanceof Uint8Array)) throw wrongType(`"${name}" argument`, 'an instance of Buffer or Uint8Array', value);
    return value;
}

// The class behind `Buffer`, which may also be called without `new`.
class Bytes extends Uint8Array {
    toString(encoding, start, end) {
        if (encoding === undefined && start === undefined && end === undefined) return native.encode(this, 'utf8');
        const name = encoding === undefined ? 'utf8' : encodingName(encoding === null ? 'null' : encoding);
        const [from, to] = [clampPlace(start, 0, this.length), clampPlace(end, this.length, this.length)];
        return from >= to ? '' : bytesToText(from === 0 && to === this.length ? this : this.subarray(from, to), name);
    }

    toJSON() {
        return { type: 'Buffer', data: Array.from(this) };
    }

    inspect() {
        const shown = native.encode(this.subarray(0, 50), 'hex').replace(/..(?!$)/g, '$& ');
        return `<Buffer${shown ? ` ${shown}` : ''}${this.length > 50 ? ` ... ${this.length - 50} more byte${this.length > 51 ? 's' : ''}` : ''}>`;
    }

    equals(other) {
        return compareBytes(this, mustBeBytes('otherBuffer', other)) === 0;
    }

    compare(target, targetStart = 0, targetEnd = target?.length, sourceStart = 0, sourceEnd = this.length) {
        mustBeBytes('target', target);
        checkPlace('targetStart', targetStart, 0, BUFFER_LENGTH_MAX);
        checkPlace('targetEnd', targetEnd, 0, target.length);
        checkPlace('sourceStart', sourceStart, 0, BUFFER_LENGTH_MAX);
        checkPlace('sourceEnd', sourceEnd, 0, this.length);
        return compareBytes(Uint8Array.prototype.subarray.call(this, sourceStart, Math.max(sourceStart, sourceEnd)), target.subarray(targetStart, Math.max(targetStart, targetEnd)));
    }

    slice(start, end) {
        return this.subarray(start, end);
    }

    write(text, offset, length, encoding) {
        if (typeof text !== 'string') throw wrongType('"string" argument', 'of type string', text);
        if (typeof offset === 'string') [offset, length, encoding] = [undefined, undefined, offset];
        else if (typeof length === 'string') [length, encoding] = [undefined, length];
        const at = offset === undefined ? 0 : checkPlace('offset', offset, 0, this.length);
        const room = Math.min(length === undefined ? Infinity : checkPlace('length', length, 0, this.length), this.length - at);
        const name = encodingName(encoding);
        const bytes = textToBytes(text, name);
        let end = Math.min(bytes.length, room);
        // Characters are written as a whole.
        if (end < bytes.length && name === 'utf8') while (end > 0 && (bytes[end] & 0xc0) === 0x80) end--;
        if (name === 'utf16le') end -= end % 2;
        this.set(bytes.subarray(0, end), at);
        return end;
    }

    copy(target, targetStart, sourceStart, sourceEnd) {
        mustBeBytes('target', target);
        const to = targetStart === undefined ? 0 : checkPlace('targetStart', Math.trunc(targetStart) || 0, 0, BUFFER_LENGTH_MAX);
        const from = sourceStart === undefined ? 0 : checkPlace('sourceStart', Math.trunc(sourceStart) || 0, 0, this.length);
        const end = sourceEnd === undefined ? this.length : checkPlace('sourceEnd', Math.trunc(sourceEnd) || 0, 0, BUFFER_LENGTH_MAX);
        if (to >= target.length || from >= end) return 0;
        const part = this.subarray(from, Math.min(end, this.length, from + target.length - to));
        Uint8Array.prototype.set.call(target, part, to);
        return part.length;
    }

    fill(value, start, end, encoding) {
        if (typeof value === 'string' && typeof start === 'string') [start, end, encoding] = [undefined, undefined, start];
        else if (typeof value === 'string' && typeof end === 'string') [end, encoding] = [undefined, end];
        const from = start === undefined ? 0 : checkPlace('offset', start, 0, BUFFER_LENGTH_MAX);
        const to = end === undefined ? this.length : checkPlace('end', end, 0, this.length);
        if (from >= to) return this;
        if (typeof value !== 'string' && !ArrayBuffer.isView(value)) return super.fill(Number(value) & 255, from, to);
        const pattern = typeof value === 'string' ? textToBytes(value, encoding) : viewOf(value);
        if (pattern.length === 0) {
            if (value.length > 0) throw codedError(TypeError, 'ERR_INVALID_ARG_VALUE', `The argument 'value' is invalid. Received '${value}'`);
            return super.fill(0, from, to);
        }
        for (let i = from; i < to; i++) this[i] = pattern[(i - from) % pattern.length];
        return this;
    }

    indexOf(value, from, encoding) {
        return findBytes(this, value, from, encoding, false);
    }

    lastIndexOf(value, from, encoding) {
        return findBytes(this, value, from, encoding, true);
    }

    includes(value, from, encoding) {
        return this.indexOf(value, from, encoding) !== -1;
    }

    swap16() {
        return swapBytes(this, 2);
    }

    swap32() {
        return swapBytes(this, 4);
    }

    swap64() {
        return swapBytes(this, 8);
    }
}

function compareBytes(a, b) {
    const shorter = Math.min(a.length, b.length);
    for (let i = 0; i < shorter; i++) if (a[i] !== b[i]) return a[i] < b[i] ? -1 : 1;
    return Math.sign(a.length - b.length);
}

function swapBytes(bytes, size) {
    if (bytes.length % size !== 0) throw codedError(RangeError, 'ERR_INVALID_BUFFER_SIZE', `Buffer size must be a multiple of ${size * 8}-bits`);
    for (let at = 0; at < bytes.length; at += size) Uint8Array.prototype.subarray.call(bytes, at, at + size).reverse();
    return bytes;
}

function findBytes(bytes, value, from, encoding, backwards) {
    if (typeof from === 'string') [from, encoding] = [undefined, from];
    const wanted = typeof value === 'number' ? new Uint8Array([value]) : typeof value === 'string' ? textToBytes(value, encoding) : value instanceof Uint8Array ? value : undefined;
    if (wanted === undefined) throw wrongType('"value" argument', 'one of type number or string or an instance of Buffer or Uint8Array', value);
    let at = Math.trunc(Number(from));
    if (Number.isNaN(at)) at = backwards ? bytes.length : 0;
    if (at < 0) at += bytes.length;
    if (at < 0 && backwards) return -1;
    at = Math.max(at, 0);
    if (wanted.length === 0) return Math.min(at, bytes.length);
    const last = bytes.length - wanted.length;
    for (at = backwards ? Math.min(at, last) : at; at >= 0 && at <= last; at += backwards ? -1 : 1) {
        let same = 0;
        while (same < wanted.length && bytes[at + same] === wanted[same]) same++;
        if (same === wanted.length) return at;
    }
    return -1;
}

function Buffer(value, encodingOrOffset, length) {
    if (typeof value !== 'number') return Buffer.from(value, encodingOrOffset, length);
    if (typeof encodingOrOffset === 'string') throw wrongType('"string" argument', 'of type string', value);
    return Buffer.alloc(value);
}

const NOT_BYTES = 'of type string or an instance of Buffer, ArrayBuffer, or Array or an Array-like Object';

function bytesFrom(value, encodingOrOffset, length) {
    if (typeof value === 'string') return new Bytes(textToBytes(value, encodingOrOffset).buffer);
    if (typeof value !== 'object' || value === null) throw wrongType('first argument', NOT_BYTES, value);
    if (value instanceof Uint8Array) return new Bytes(value);
    if (value instanceof ArrayBuffer || (typeof SharedArrayBuffer === 'function' && value instanceof SharedArrayBuffer)) return bytesOver(value, encodingOrOffset, length);
    const plain = typeof value.valueOf === 'function' ? value.valueOf() : value;
    if (plain !== value && plain !== null && plain !== undefined && (typeof plain === 'string' || typeof plain === 'object')) return bytesFrom(plain, encodingOrOffset, length);
    if (Array.isArray(value) || ArrayBuffer.isView(value)) return new Bytes(Array.from(value));
    if (value.type === 'Buffer' && Array.isArray(value.data)) return new Bytes(value.data);
    if (typeof value.length === 'number') return new Bytes(Array.from(value));
    if (typeof value[Symbol.toPrimitive] === 'function') {
        const text = value[Symbol.toPrimitive]('string');
        if (typeof text === 'string') return bytesFrom(text, encodingOrOffset);
    }
    throw wrongType('first argument', NOT_BYTES, value);
}

// A view of the same memory.
function bytesOver(memory, offset, length) {
    const from = offset === undefined ? 0 : Number(offset) || 0;
    const most = memory.byteLength - from;
    if (most < 0) throw codedError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', '"offset" is outside of buffer bounds');
    const size = length === undefined ? most : Math.max(0, Number(length) || 0);
    if (size > most) throw codedError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', '"length" is outside of buffer bounds');
    return new Bytes(memory, from, size);
}

function checkSize(size) {
    if (typeof size !== 'number') throw wrongType('"size" argument', 'of type number', size);
    if (!(size >= 0 && size <= BUFFER_LENGTH_MAX)) throw outOfRange('size', `>= 0 && <= ${BUFFER_LENGTH_MAX}`, size);
    return size;
}

const bufferStatics = {
    from: bytesFrom,
    of: (...items) => new Bytes(items),
    alloc(size, fill, encoding) {
        const buffer = new Bytes(checkSize(size));
        return fill === undefined || fill === 0 || size === 0 ? buffer : buffer.fill(fill, encoding);
    },
    allocUnsafe: (size) => new Bytes(checkSize(size)),
    allocUnsafeSlow: (size) => new Bytes(checkSize(size)),
    isBuffer: (value) => value instanceof Bytes,
    isEncoding: (encoding) => typeof encoding === 'string' && encoding.toLowerCase() in ENCODINGS,
    byteLength(value, encoding) {
        if (typeof value !== 'string') {
            if (isBytes(value) || viewOf(value) !== undefined) return value.byteLength;
            throw wrongType('"string" argument', 'of type string or an instance of Buffer or ArrayBuffer', value);
        }
        const name = ENCODINGS[String(encoding ?? 'utf8').toLowerCase()] ?? 'utf8';
        if (name === 'utf8') return native.byteLength(value.toWellFormed());
        if (name === 'hex') return value.length >>> 1;
        if (name === 'utf16le') return value.length * 2;
        // What the text says about its length, whether or not all of it can be read.
        if (name.startsWith('base64')) return Math.floor((value.replace(/={1,2}$/, '').length * 3) / 4);
        return value.length;
    },
    concat(list, total) {
        if (!Array.isArray(list)) throw wrongType('"list" argument', 'an instance of Array', list);
        list.forEach((item, index) => {
            if (!(item instanceof Uint8Array)) throw wrongType(`"list[${index}]" argument`, 'an instance of Buffer or Uint8Array', item);
        });
        const length = total === undefined ? list.reduce((sum, item) => sum + item.length, 0) : checkPlace('length', total, 0, BUFFER_LENGTH_MAX);
        const result = new Bytes(length);
        let at = 0;
        for (const item of list) {
            if (at >= length) break;
            result.set(at + item.length > length ? item.subarray(0, length - at) : item, at);
            at += item.length;
        }
        return result;
    },
    compare: (a, b) => compareBytes(mustBeBytes('buf1', a), mustBeBytes('buf2', b)),
    copyBytesFrom(view, offset = 0, length = view.length - offset) {
        const part = view.subarray(offset, offset + length);
        return new Bytes(new Uint8Array(part.buffer, part.byteOffset, part.byteLength));
    }
};

// As functions and packages find it: an own function, below Uint8Array, whose members can be listed.
Object.setPrototypeOf(Buffer, Uint8Array);
Object.assign(Buffer, bufferStatics, { poolSize: 65536 });
Object.defineProperty(Buffer, 'prototype', { value: Bytes.prototype, writable: false });
Object.defineProperty(Buffer, Symbol.species, { get: () => Bytes, configurable: true });
Object.defineProperty(Bytes.prototype, 'constructor', { value: Buffer, writable: true, configurable: true });
Object.defineProperty(Bytes.prototype, 'toLocaleString', { value: Bytes.prototype.toString, writable: true, configurable: true });
for (const [name, encoding] of [['utf8', 'utf8'], ['latin1', 'latin1'], ['ascii', 'ascii'], ['hex', 'hex'], ['base64', 'base64'], ['base64url', 'base64url'], ['ucs2', 'utf16le']]) {
    const part = function (start, end) {
        return this.toString(encoding, start, end);
    };
    const write = function (text, offset, length) {
        return this.write(text, offset ?? 0, length ?? this.length - (offset ?? 0), encoding);
    };
    Object.defineProperty(Bytes.prototype, `${name}Slice`, { value: part, writable: true, configurable: true });
    Object.defineProperty(Bytes.prototype, `${name}Write`, { value: write, writable: true, configurable: true });
}

const bufferModule = {
    Buffer,
    SlowBuffer: Buffer,
    kMaxLength: BUFFER_LENGTH_MAX,
    kStringMaxLength: 536870888,
    constants: { MAX_LENGTH: BUFFER_LENGTH_MAX, MAX_STRING_LENGTH: 536870888 },
    INSPECT_MAX_BYTES: 50,
    isUtf8: (value) => attempt(() => (native.utf8(viewOf(value), true), true), false),
    isAscii: (value) => viewOf(value).every((byte) => byte < 128),
    transcode(source, from, to) {
        const text = bytesToText(source, from);
        const narrow = { latin1: 0xff, ascii: 0x7f }[encodingName(to)];
        // What the other encoding cannot say becomes a question mark.
        return bytesFrom(narrow === undefined ? text : Array.from(text, (letter) => (letter.codePointAt(0) > narrow ? '?' : letter)).join(''), to);
    },
    atob,
    btoa
};
