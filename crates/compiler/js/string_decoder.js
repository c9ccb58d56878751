'use strict';

/** Decodes text that arrives in pieces: what is cut in the middle of a character waits for the rest. */
class StringDecoder {
    constructor(encoding = 'utf8') {
        if (!Buffer.isEncoding(encoding)) throw new TypeError(`Unknown encoding: ${encoding}`);
        const name = String(encoding).toLowerCase();
        this.encoding = { 'utf-8': 'utf8', ucs2: 'utf16le', 'ucs-2': 'utf16le', 'utf-16le': 'utf16le', binary: 'latin1' }[name] ?? name;
        this._rest = Buffer.alloc(0);
    }

    write(bytes) {
        if (typeof bytes === 'string') return bytes;
        const all = Buffer.concat([this._rest, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)]);
        const whole = all.length - this._unfinished(all);
        this._rest = Buffer.from(all.subarray(whole));
        return all.toString(this.encoding, 0, whole);
    }

    end(bytes) {
        const text = bytes === undefined ? '' : this.write(bytes);
        const rest = this._rest.toString(this.encoding);
        this._rest = Buffer.alloc(0);
        return text + rest;
    }

    _unfinished(bytes) {
        if (this.encoding === 'utf16le') {
            const odd = bytes.length % 2;
            const last = bytes.length - odd - 1;
            return last >= 1 && (bytes[last] & 0xfc) === 0xd8 ? odd + 2 : odd;
        }
        if (this.encoding === 'base64' || this.encoding === 'base64url') return bytes.length % 3;
        if (this.encoding !== 'utf8') return 0;
        for (let back = 1; back <= Math.min(3, bytes.length); back++) {
            const byte = bytes[bytes.length - back];
            if ((byte & 0xc0) === 0x80) continue;
            const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
            return length > back ? back : 0;
        }
        return 0;
    }
}

// Older packages call the constructor without `new`: `StringDecoder.call(this)`.
function Decoder(...args) {
    if (new.target !== undefined) return Reflect.construct(StringDecoder, args, new.target);
    Object.assign(this, new StringDecoder(...args));
}
Decoder.prototype = StringDecoder.prototype;

module.exports = { StringDecoder: Decoder };
