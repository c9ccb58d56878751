// The synchronous `crypto` module, as far as functions use it.

function cryptoBytes(data, encoding) {
    if (typeof data === 'string') return textToBytes(data, encoding);
    const view = viewOf(data);
    if (view === undefined) throw new TypeError('The "data" argument must be of type string or an instance of Buffer, TypedArray, or DataView.');
    return view.slice();
}

function cryptoOutput(buffer, encoding) {
    const result = new Bytes(buffer);
    return encoding === undefined || encoding === 'buffer' ? result : result.toString(encoding);
}

class Hash {
    #compute;
    #chunks = [];
    #done = false;

    constructor(compute) {
        this.#compute = compute;
    }

    update(data, encoding) {
        if (this.#done) throw new Error('Digest already called');
        this.#chunks.push(cryptoBytes(data, encoding));
        return this;
    }

    digest(encoding) {
        if (this.#done) throw new Error('Digest already called');
        this.#done = true;
        return cryptoOutput(this.#compute(this.#chunks), encoding);
    }
}

class Sign {
    #algorithm;
    #chunks = [];

    constructor(algorithm) {
        this.#algorithm = algorithm;
    }

    update(data, encoding) {
        this.#chunks.push(cryptoBytes(data, encoding));
        return this;
    }

    sign(key, encoding) {
        return cryptoOutput(native.sign(this.#algorithm, keyText(key), this.#chunks, dsaEncoding(key)), encoding);
    }

    verify(key, signature, encoding) {
        return native.verify(this.#algorithm, keyText(key), this.#chunks, cryptoBytes(signature, encoding), dsaEncoding(key));
    }
}

function keyText(key) {
    const material = key && typeof key === 'object' && !isBytes(key) ? key.key : key;
    return isBytes(material) ? native.utf8(viewOf(material), false) : String(material);
}

function dsaEncoding(key) {
    return (key && typeof key === 'object' && key.dsaEncoding) || 'der';
}

const HASHES = { __proto__: null, md5: 'md5', sha1: 'sha1', sha256: 'sha256', sha384: 'sha384', sha512: 'sha512', 'rsa-sha256': 'sha256', 'rsa-sha512': 'sha512', 'rsa-sha1': 'sha1' };

function hashName(algorithm) {
    const name = HASHES[String(algorithm).toLowerCase().replace(/^sha-/, 'sha')];
    if (name === undefined) {
        const error = new Error('Digest method not supported');
        error.code = 'ERR_CRYPTO_INVALID_DIGEST';
        throw error;
    }
    return name;
}

function randomBytes(size) {
    noteChance();
    if (!(size >= 0 && size <= 1048576)) throw new RangeError('The value of "size" is out of range.');
    return new Bytes(native.random(size));
}

const crypto = {
    createHash: (algorithm) => {
        const name = hashName(algorithm);
        return new Hash((chunks) => native.hash(name, chunks));
    },
    createHmac: (algorithm, key) => {
        const name = hashName(algorithm);
        const bytes = cryptoBytes(key);
        return new Hash((chunks) => native.hmac(name, bytes, chunks));
    },
    hash: (algorithm, data, encoding = 'hex') => crypto.createHash(algorithm).update(data).digest(encoding),
    createSign: (algorithm) => new Sign(String(algorithm)),
    createVerify: (algorithm) => new Sign(String(algorithm)),
    sign: (algorithm, data, key) => new Sign(algorithm === null || algorithm === undefined ? 'ed25519' : String(algorithm)).update(data).sign(key),
    verify: (algorithm, data, key, signature) => new Sign(algorithm === null || algorithm === undefined ? 'ed25519' : String(algorithm)).update(data).verify(key, signature),
    randomUUID: () => {
        noteChance();
        const bytes = new Uint8Array(native.random(16));
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        const hex = native.encode(bytes, 'hex');
        return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
    },
    randomBytes: (size, callback) => {
        const bytes = randomBytes(size);
        if (typeof callback !== 'function') return bytes;
        queueMicrotask(() => callback(null, bytes));
    },
    randomInt: (min, max) => {
        if (max === undefined) [min, max] = [0, min];
        const range = max - min;
        if (!(Number.isSafeInteger(min) && Number.isSafeInteger(max) && range > 0 && range <= 281474976710655)) throw new RangeError('The value of "max" is out of range.');
        const limit = 281474976710656 - (281474976710656 % range);
        let value;
        do value = randomBytes(6).readUIntBE(0, 6);
        while (value >= limit);
        return min + (value % range);
    },
    getRandomValues: (view) => {
        noteChance();
        viewOf(view).set(new Uint8Array(native.random(Math.min(view.byteLength, 65536))));
        return view;
    },
    randomFillSync: (view, offset = 0, size = view.byteLength - offset) => {
        viewOf(view).set(randomBytes(size), offset);
        return view;
    },
    randomFill: (view, ...rest) => {
        const callback = rest.pop();
        crypto.randomFillSync(view, ...rest);
        queueMicrotask(() => callback(null, view));
    },
    timingSafeEqual: (a, b) => {
        if (!isBytes(a) || !isBytes(b)) throw new TypeError('The arguments must be instances of ArrayBuffer, Buffer, TypedArray, or DataView.');
        if (a.byteLength !== b.byteLength) throw new RangeError('Input buffers must have the same byte length');
        return native.timingSafeEqual(viewOf(a), viewOf(b));
    },
    getHashes: () => ['md5', 'sha1', 'sha256', 'sha384', 'sha512']
};

// The global `crypto`, as far as packages use it: random values. There is no `subtle`.
const webCrypto = { getRandomValues: crypto.getRandomValues, randomUUID: crypto.randomUUID };
crypto.webcrypto = webCrypto;
