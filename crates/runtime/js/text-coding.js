// TextEncoder, TextDecoder, base64 of texts.

class TextEncoder {
    get encoding() {
        return 'utf-8';
    }

    encode(text = '') {
        return textToBytes(text, 'utf8');
    }

    encodeInto(text, target) {
        const bytes = textToBytes(text, 'utf8');
        let written = Math.min(bytes.length, target.length);
        while (written > 0 && written < bytes.length && (bytes[written] & 0xc0) === 0x80) written--;
        target.set(bytes.subarray(0, written));
        return { read: native.utf8(bytes.subarray(0, written), false).length, written };
    }
}
Object.defineProperty(TextEncoder.prototype, Symbol.toStringTag, { value: 'TextEncoder', configurable: true });

// What windows-1252, which is also what browsers take latin1 for, has between 0x80 and 0x9f.
const WINDOWS_SIGNS = '€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ';

class TextDecoder {
    #encoding;
    #fatal;
    #ignoreBOM;
    #rest = new Uint8Array(0);
    #begun = false;

    constructor(label = 'utf-8', options = {}) {
        const name = String(label).trim().toLowerCase();
        if (['utf-8', 'utf8', 'unicode-1-1-utf-8'].includes(name)) this.#encoding = 'utf-8';
        else if (['latin1', 'iso-8859-1', 'iso8859-1', 'l1', 'ascii', 'us-ascii', 'windows-1252', 'cp1252', 'x-cp1252'].includes(name)) this.#encoding = 'windows-1252';
        else if (['utf-16le', 'utf-16', 'ucs-2', 'unicode'].includes(name)) this.#encoding = 'utf-16le';
        else if (name === 'utf-16be') this.#encoding = 'utf-16be';
        else throw codedError(RangeError, 'ERR_ENCODING_NOT_SUPPORTED', `The "${label}" encoding is not supported`);
        this.#fatal = Boolean(options?.fatal);
        this.#ignoreBOM = Boolean(options?.ignoreBOM);
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

    decode(value = new Uint8Array(0), options = {}) {
        let bytes = viewOf(value);
        if (bytes === undefined) throw wrongType('"list" argument', 'an instance of ArrayBuffer or ArrayBufferView', value);
        if (this.#rest.length > 0) bytes = bufferStatics.concat([this.#rest, bytes]);
        const end = options?.stream ? bytes.length - unfinished(bytes, this.#encoding) : bytes.length;
        this.#rest = bytes.slice(end);
        let text = this.#text(bytes.subarray(0, end));
        if (!this.#begun && !this.#ignoreBOM && text.charCodeAt(0) === 0xfeff) text = text.slice(1);
        this.#begun = Boolean(options?.stream) && (this.#begun || text.length > 0);
        return text;
    }

    #text(bytes) {
        switch (this.#encoding) {
            case 'windows-1252':
                return native.encode(bytes, 'latin1').replace(/[\u0080-\u009f]/g, (sign) => WINDOWS_SIGNS[sign.charCodeAt(0) - 0x80]);
            case 'utf-16be':
                bytes = swapBytes(bytes.slice(0, bytes.length - (bytes.length % 2)), 2);
            // falls through
            case 'utf-16le':
                return bytesToText(bytes, 'utf16le').toWellFormed();
        }
        try {
            return native.utf8(bytes, this.#fatal);
        } catch {
            throw codedError(TypeError, 'ERR_ENCODING_INVALID_ENCODED_DATA', 'The encoded data was not valid for encoding utf-8');
        }
    }
}
Object.defineProperty(TextDecoder.prototype, Symbol.toStringTag, { value: 'TextDecoder', configurable: true });

// How many bytes at the end belong to a character that has not come to its end.
function unfinished(bytes, encoding) {
    if (encoding.startsWith('utf-16')) return bytes.length % 2;
    if (encoding !== 'utf-8') return 0;
    for (let back = 1; back <= 3 && back <= bytes.length; back++) {
        const byte = bytes[bytes.length - back];
        if ((byte & 0xc0) === 0x80) continue;
        const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
        return length > back ? back : 0;
    }
    return 0;
}

function badCharacter(message) {
    const error = new Error(message);
    Object.defineProperty(error, 'name', { value: 'InvalidCharacterError' });
    Object.defineProperty(error, 'code', { value: 5 });
    return error;
}

function btoa(text) {
    const source = String(text);
    for (let i = 0; i < source.length; i++) if (source.charCodeAt(i) > 255) throw badCharacter('Invalid character');
    return native.encode(textToBytes(source, 'latin1'), 'base64');
}

function atob(text) {
    const source = String(text).replace(/[\t\n\f\r ]/g, '');
    const plain = source.length % 4 === 0 ? source.replace(/={1,2}$/, '') : source;
    if (!/^[A-Za-z0-9+/]*$/.test(plain) || plain.length % 4 === 1) throw badCharacter('The string to be decoded is not correctly encoded.');
    return native.encode(textToBytes(plain, 'base64'), 'latin1');
}
