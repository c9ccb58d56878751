// AES, and keys made from passwords: the rest of the module `crypto`.

const CIPHER_NAME = /^(?:id-)?aes-?(128|192|256)-?(cbc|ctr|ecb|gcm)$/i;
const TAG_BYTES = 16;

// Bytes as text, part by part; what does not make a whole letter waits for the next part.
class PartsOfText {
    #name;
    #rest = new Uint8Array(0);

    constructor(encoding) {
        this.#name = encodingName(encoding);
    }

    add(bytes, last) {
        const all = bufferStatics.concat([this.#rest, bytes]);
        const kept = last ? 0 : this.#name.startsWith('base64') ? all.length % 3 : this.#name === 'utf16le' ? all.length % 2 : this.#name === 'utf8' ? unfinished(all, 'utf-8') : 0;
        this.#rest = all.slice(all.length - kept);
        return bytesToText(all.subarray(0, all.length - kept), this.#name);
    }
}

class Cipher {
    #mode;
    #key;
    #iv;
    #opens;
    #waiting = new Uint8Array(0);
    #whole = [];
    #position = 0;
    #padded = true;
    #additional = new Uint8Array(0);
    #tag;
    #tagBytes;
    #text;
    #done = false;

    constructor(opens, algorithm, key, iv, options) {
        const found = CIPHER_NAME.exec(String(algorithm));
        if (found === null) throw codedError(Error, 'ERR_CRYPTO_UNKNOWN_CIPHER', 'Unknown cipher');
        this.#mode = found[2].toLowerCase();
        this.#opens = opens;
        this.#key = cryptoBytes(key, undefined, 'key');
        this.#iv = iv === null ? new Uint8Array(0) : cryptoBytes(iv, undefined, 'iv');
        this.#tagBytes = options?.authTagLength ?? TAG_BYTES;
        if (this.#key.length * 8 !== Number(found[1])) throw codedError(RangeError, 'ERR_CRYPTO_INVALID_KEYLEN', 'Invalid key length');
        const lengths = { ecb: [0], cbc: [16], ctr: [16], gcm: [12, 16] }[this.#mode];
        if (!lengths.includes(this.#iv.length)) throw codedError(TypeError, 'ERR_CRYPTO_INVALID_IV', 'Invalid initialization vector');
    }

    setAutoPadding(padded = true) {
        this.#padded = Boolean(padded);
        return this;
    }

    setAAD(data, options) {
        this.#additional = cryptoBytes(data, options?.encoding);
        return this;
    }

    setAuthTag(tag, encoding) {
        this.#tag = cryptoBytes(tag, encoding);
        return this;
    }

    getAuthTag() {
        if (this.#tag === undefined || this.#opens) throw codedError(Error, 'ERR_CRYPTO_INVALID_STATE', 'Invalid state for operation getAuthTag');
        return new Bytes(this.#tag.slice(0, this.#tagBytes));
    }

    update(data, inputEncoding, outputEncoding) {
        if (this.#done) throw codedError(Error, 'ERR_CRYPTO_INVALID_STATE', 'Trying to add data in unsupported state');
        return this.#shown(this.#add(cryptoBytes(data, inputEncoding)), outputEncoding, false);
    }

    final(outputEncoding) {
        if (this.#done) throw codedError(Error, 'ERR_CRYPTO_INVALID_STATE', 'Unsupported state');
        this.#done = true;
        return this.#shown(this.#finish(), outputEncoding, true);
    }

    #shown(bytes, encoding, last) {
        if (encoding === undefined || encoding === null || encoding === 'buffer') return new Bytes(bytes);
        this.#text ??= new PartsOfText(encoding);
        return this.#text.add(bytes, last);
    }

    #add(data) {
        const begin = this.#position;
        this.#position += data.length;
        if (this.#mode === 'gcm') {
            this.#whole.push(data);
            return this.#sealed().subarray(begin, this.#position);
        }
        if (this.#mode === 'ctr') {
            const offset = begin % 16;
            const padded = bufferStatics.concat([new Uint8Array(offset), data]);
            return new Uint8Array(native.aes('ctr', this.#key, counterAfter(this.#iv, Math.floor(begin / 16)), padded)).subarray(offset);
        }
        const all = bufferStatics.concat([this.#waiting, data]);
        // The last block may hold the padding, which is known at the end only.
        const held = this.#opens && this.#padded && all.length % 16 === 0 ? Math.min(16, all.length) : all.length % 16;
        this.#waiting = all.slice(all.length - held);
        return this.#blocks(all.slice(0, all.length - held));
    }

    // All of the data so far, with the tag behind it.
    #sealed() {
        return new Uint8Array(native.gcm(this.#key, this.#iv, this.#additional, bufferStatics.concat(this.#whole)));
    }

    #blocks(data) {
        if (data.length === 0) return data;
        const made = new Uint8Array(native.aes(`${this.#mode}-${this.#opens ? 'decrypt' : 'encrypt'}`, this.#key, this.#iv, data));
        if (this.#mode === 'cbc') this.#iv = (this.#opens ? data : made).slice(-16);
        return made;
    }

    #finish() {
        switch (this.#mode) {
            case 'ctr':
                return new Uint8Array(0);
            case 'gcm':
                return this.#finishSealed();
        }
        if (this.#opens) return this.#unpadded();
        if (!this.#padded) {
            if (this.#waiting.length > 0) throw codedError(Error, 'ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH', 'wrong final block length');
            return this.#waiting;
        }
        const missing = 16 - this.#waiting.length;
        return this.#blocks(bufferStatics.concat([this.#waiting, new Uint8Array(missing).fill(missing)]));
    }

    #unpadded() {
        if (!this.#padded && this.#waiting.length === 0) return this.#waiting;
        if (this.#waiting.length !== 16) throw codedError(Error, 'ERR_OSSL_WRONG_FINAL_BLOCK_LENGTH', 'wrong final block length');
        const block = this.#blocks(this.#waiting);
        const count = block[15];
        if (!(count >= 1 && count <= 16) || block.subarray(16 - count).some((byte) => byte !== count)) throw codedError(Error, 'ERR_OSSL_BAD_DECRYPT', 'bad decrypt');
        return block.subarray(0, 16 - count);
    }

    #finishSealed() {
        const made = this.#sealed();
        if (!this.#opens) this.#tag = made.slice(-TAG_BYTES);
        else {
            // The tag belongs to the plain text, which is what sealing the sealed text has made.
            const plain = made.subarray(0, made.length - TAG_BYTES);
            const tag = new Uint8Array(native.gcm(this.#key, this.#iv, this.#additional, plain)).slice(-TAG_BYTES);
            const given = this.#tag ?? new Uint8Array(0);
            if (given.length < 4 || !native.timingSafeEqual(tag.subarray(0, given.length), given)) throw new Error('Unsupported state or unable to authenticate data');
        }
        return new Uint8Array(0);
    }
}

// The counter block after so many others.
function counterAfter(iv, blocks) {
    const counter = iv.slice();
    let rest = blocks;
    for (let i = 15; i >= 0 && rest > 0; i--) {
        rest += counter[i];
        counter[i] = rest % 256;
        rest = Math.floor(rest / 256);
    }
    return counter;
}

function pbkdf2Sync(password, salt, iterations, keylen, digest) {
    checkPlace('iterations', iterations, 1, 2147483647);
    checkPlace('keylen', keylen, 0, 65536);
    const name = hashName(digest, invalidDigest(digest));
    const made = native.pbkdf2(name, cryptoBytes(password, undefined, 'password'), cryptoBytes(salt, undefined, 'salt'), iterations, keylen);
    if (made === undefined) throw invalidDigest(digest)();
    return new Bytes(made);
}

// RFC 5869.
function hkdfSync(digest, key, salt, info, keylen) {
    const name = hashName(digest, invalidDigest(digest));
    const size = crypto.createHash(name).digest().length;
    checkPlace('keylen', keylen, 0, 255 * size);
    const salted = cryptoBytes(salt, undefined, 'salt');
    const secret = new Uint8Array(native.hmac(name, salted.length > 0 ? salted : new Uint8Array(size), [cryptoBytes(key, undefined, 'key')]));
    const context = cryptoBytes(info, undefined, 'info');
    const blocks = [];
    for (let i = 1; (i - 1) * size < keylen; i++) blocks.push(new Uint8Array(native.hmac(name, secret, [blocks[i - 2] ?? new Uint8Array(0), context, new Uint8Array([i])])));
    return bufferStatics.concat(blocks).slice(0, keylen).buffer.slice(0, keylen);
}

function scryptSync(password, salt, keylen, options) {
    checkPlace('keylen', keylen, 0, 65536);
    const cost = options?.N ?? options?.cost ?? 16384;
    const [blockSize, parallel] = [options?.r ?? options?.blockSize ?? 8, options?.p ?? options?.parallelization ?? 1];
    try {
        return new Bytes(native.scrypt(cryptoBytes(password, undefined, 'password'), cryptoBytes(salt, undefined, 'salt'), keylen, cost, blockSize, parallel));
    } catch (error) {
        throw codedError(RangeError, 'ERR_CRYPTO_INVALID_SCRYPT_PARAMS', error.message);
    }
}

// The same with a callback as the last argument.
function calledBack(work) {
    return (...args) => {
        const callback = args[args.length - 1];
        needFunction('callback', callback);
        const result = work(...args.slice(0, -1));
        queueMicrotask(() => callback(null, result));
    };
}

Object.assign(crypto, {
    createCipheriv: (algorithm, key, iv, options) => new Cipher(false, algorithm, key, iv, options),
    createDecipheriv: (algorithm, key, iv, options) => new Cipher(true, algorithm, key, iv, options),
    getCiphers: () => [128, 192, 256].flatMap((bits) => ['cbc', 'ctr', 'ecb', 'gcm'].map((mode) => `aes-${bits}-${mode}`)),
    pbkdf2Sync,
    pbkdf2: calledBack(pbkdf2Sync),
    hkdfSync,
    hkdf: calledBack(hkdfSync),
    scryptSync,
    scrypt: calledBack(scryptSync)
});
