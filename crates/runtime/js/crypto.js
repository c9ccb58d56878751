// The synchronous `crypto` module, as far as functions use it: hashes and random values. Keys and signatures have files of their own.

function cryptoBytes(data, encoding, name = 'data') {
    if (typeof data === 'string') return textToBytes(data, encoding === 'buffer' ? undefined : encoding);
    if (data instanceof KeyObject) return secretOf(data);
    const view = viewOf(data);
    if (view === undefined) throw wrongType(`"${name}" argument`, 'of type string or an instance of Buffer, TypedArray, or DataView', data);
    return view.slice();
}

function cryptoOutput(memory, encoding) {
    const result = new Bytes(memory);
    return encoding === undefined || encoding === null || encoding === 'buffer' ? result : result.toString(encoding);
}

class Hash {
    #compute;
    #chunks;
    #done = false;

    constructor(compute, chunks = []) {
        this.#compute = compute;
        this.#chunks = chunks;
    }

    update(data, encoding) {
        if (this.#done) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
        this.#chunks.push(cryptoBytes(data, encoding));
        return this;
    }

    digest(encoding) {
        if (this.#done) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
        this.#done = true;
        return cryptoOutput(this.#compute(this.#chunks), encoding);
    }

    copy() {
        if (this.#done) throw codedError(Error, 'ERR_CRYPTO_HASH_FINALIZED', 'Digest already called');
        return new Hash(this.#compute, [...this.#chunks]);
    }
}

const HASHES = { __proto__: null, md5: 'md5', sha1: 'sha1', sha224: 'sha224', sha256: 'sha256', sha384: 'sha384', sha512: 'sha512', 'sha512-256': 'sha512-256', 'rsa-md5': 'md5', 'rsa-sha1': 'sha1', 'rsa-sha224': 'sha224', 'rsa-sha256': 'sha256', 'rsa-sha384': 'sha384', 'rsa-sha512': 'sha512', sha224withrsaencryption: 'sha224', sha256withrsaencryption: 'sha256', sha384withrsaencryption: 'sha384', sha512withrsaencryption: 'sha512' };

// The name of a hash; `refuse` says how one that is not known is refused.
function hashName(algorithm, refuse) {
    if (typeof algorithm !== 'string') throw wrongType('"algorithm" argument', 'of type string', algorithm);
    const name = HASHES[algorithm.toLowerCase().replace(/^sha-/, 'sha').replace('sha512/256', 'sha512-256')];
    if (name === undefined) throw refuse();
    return name;
}

const invalidDigest = (algorithm) => () => codedError(TypeError, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${algorithm}`);

const RANDOM_VALUES_MAX = 65536;

function randomBytes(size) {
    noteChance();
    if (typeof size !== 'number') throw wrongType('"size" argument', 'of type number', size);
    if (!(size >= 0 && size <= 1048576)) throw outOfRange('size', '>= 0 && <= 1048576', size);
    return new Bytes(native.random(size));
}

function randomInt(min, max, callback) {
    if (max === undefined || typeof max === 'function') [min, max, callback] = [0, min, max];
    if (!Number.isSafeInteger(min)) throw wrongType('"min" argument', 'a safe integer', min);
    if (!Number.isSafeInteger(max)) throw wrongType('"max" argument', 'a safe integer', max);
    const range = max - min;
    if (!(range > 0 && range <= 281474976710655)) throw outOfRange('max', `greater than the value of "min" (${min})`, max);
    const limit = 281474976710656 - (281474976710656 % range);
    let value;
    do value = randomBytes(6).readUIntBE(0, 6);
    while (value >= limit);
    if (typeof callback !== 'function') return min + (value % range);
    queueMicrotask(() => callback(undefined, min + (value % range)));
}

const crypto = {
    createHash: (algorithm) => {
        const name = hashName(algorithm, () => new Error('Digest method not supported'));
        return new Hash((chunks) => native.hash(name, chunks));
    },
    createHmac: (algorithm, key) => {
        const name = hashName(algorithm, invalidDigest(algorithm));
        const bytes = cryptoBytes(key, undefined, 'key');
        return new Hash((chunks) => native.hmac(name, bytes, chunks));
    },
    hash: (algorithm, data, encoding = 'hex') => crypto.createHash(algorithm).update(data).digest(encoding),
    KeyObject,
    createSecretKey: (key, encoding) => new KeyObject('secret', cryptoBytes(key, encoding, 'key')),
    createPrivateKey,
    createPublicKey,
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
    randomInt,
    getRandomValues: (view) => {
        noteChance();
        if (!ArrayBuffer.isView(view) || !/^(?:Uint8|Uint8Clamped|Int8|Uint16|Int16|Uint32|Int32|BigInt64|BigUint64)Array$/.test(view[Symbol.toStringTag])) throw domError('TypeMismatchError', 17, 'The data argument must be an integer-type TypedArray');
        if (view.byteLength > RANDOM_VALUES_MAX) throw domError('QuotaExceededError', 22, `The requested length exceeds ${RANDOM_VALUES_MAX} bytes`);
        viewOf(view).set(new Uint8Array(native.random(view.byteLength)));
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
        if (!isBytes(a)) throw wrongType('"buf1" argument', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', a);
        if (!isBytes(b)) throw wrongType('"buf2" argument', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', b);
        if (a.byteLength !== b.byteLength) throw codedError(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH', 'Input buffers must have the same byte length');
        return native.timingSafeEqual(viewOf(a), viewOf(b));
    },
    getHashes: () => Object.keys(HASHES).map((name) => name.replace(/^rsa-(\w)/, (_, first) => `RSA-${first}`).replace(/^RSA-.*/, (text) => text.toUpperCase()))
};
