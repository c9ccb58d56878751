// The synchronous `crypto` module, as far as functions use it: hashes, random values, keys and signatures.

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

let secretOf;
let pemOf;

class KeyObject {
    #secret;
    #pem;

    static {
        secretOf = (key) => key.#secret ?? textToBytes(key.#pem, 'utf8');
        pemOf = (key) => key.#pem;
    }

    constructor(type, secret, pem) {
        this.#secret = secret;
        this.#pem = pem;
        Object.defineProperty(this, 'type', { value: type, enumerable: true });
    }

    get symmetricKeySize() {
        return this.#secret?.length;
    }

    get asymmetricKeyType() {
        if (this.#pem === undefined) return undefined;
        const info = native.encode(new Uint8Array(native.publicKey(this.#pem)), 'hex');
        return info.includes('06092a864886f70d010101') ? 'rsa' : info.includes('06072a8648ce3d0201') ? 'ec' : 'ed25519';
    }

    export(options = {}) {
        if (this.#secret !== undefined) return options.format === 'jwk' ? { kty: 'oct', k: native.encode(this.#secret, 'base64url') } : new Bytes(this.#secret.slice().buffer);
        const der = pemBytes(this.#pem);
        if (options.format === 'der') return new Bytes(der);
        if (options.format === 'jwk') throw codedError(Error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', 'Keys cannot be exported as JWK here');
        return this.#pem;
    }

    equals(other) {
        return other instanceof KeyObject && other.type === this.type && compareBytes(secretOf(this), secretOf(other)) === 0;
    }
}

function pemBytes(pem) {
    return native.decode(/-----BEGIN [^-]+-----([^-]*)-----END/.exec(pem)?.[1].replace(/\s/g, '') ?? '', 'base64');
}

function pemText(label, der) {
    const lines = native.encode(new Uint8Array(der), 'base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}

// Text of a key: PEM, or DER with the words that say what it is.
function keyText(key) {
    const given = key && typeof key === 'object' && !isBytes(key) && !(key instanceof KeyObject) ? key : { key };
    const material = given.key;
    if (material instanceof KeyObject) return pemOf(material);
    if (given.format === 'der') return pemText({ pkcs1: 'RSA PRIVATE KEY', sec1: 'EC PRIVATE KEY', spki: 'PUBLIC KEY' }[given.type] ?? 'PRIVATE KEY', viewOf(material));
    const text = isBytes(material) ? native.utf8(viewOf(material), false) : material;
    if (typeof text !== 'string') throw wrongType('"key" argument', 'of type string or an instance of Buffer, KeyObject, or an object', material);
    if (/ENCRYPTED/.test(text)) throw codedError(TypeError, 'ERR_MISSING_PASSPHRASE', 'Encrypted private keys are not supported: decrypt the key before it is stored');
    return text;
}

function createPrivateKey(key) {
    const pem = keyText(key);
    if (!/PRIVATE KEY-----/.test(pem)) throw codedError(Error, 'ERR_OSSL_UNSUPPORTED', 'The text is no private key');
    return new KeyObject('private', undefined, pem);
}

function createPublicKey(key) {
    const info = native.publicKey(keyText(key));
    if (info === undefined) throw codedError(Error, 'ERR_OSSL_UNSUPPORTED', 'The text is no key of a kind that is known here: RSA, P-256, P-384 or Ed25519');
    return new KeyObject('public', undefined, pemText('PUBLIC KEY', info));
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
        return cryptoOutput(native.sign(this.#algorithm, keyText(key), this.#chunks, signatureForm(key)), encoding);
    }

    verify(key, signature, encoding) {
        return native.verify(this.#algorithm, keyText(key), this.#chunks, cryptoBytes(signature, encoding), signatureForm(key));
    }
}

const CONSTANTS = Object.freeze({ RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2 });

function signatureForm(key) {
    if (!key || typeof key !== 'object') return 'der';
    return key.padding === CONSTANTS.RSA_PKCS1_PSS_PADDING ? 'pss' : (key.dsaEncoding ?? 'der');
}

const HASHES = { __proto__: null, md5: 'md5', sha1: 'sha1', sha224: 'sha224', sha256: 'sha256', sha384: 'sha384', sha512: 'sha512', 'sha512-256': 'sha512-256', 'rsa-md5': 'md5', 'rsa-sha1': 'sha1', 'rsa-sha224': 'sha224', 'rsa-sha256': 'sha256', 'rsa-sha384': 'sha384', 'rsa-sha512': 'sha512' };

// The name of a hash; `refuse` says how one that is not known is refused.
function hashName(algorithm, refuse) {
    if (typeof algorithm !== 'string') throw wrongType('"algorithm" argument', 'of type string', algorithm);
    const name = HASHES[algorithm.toLowerCase().replace(/^sha-/, 'sha').replace('sha512/256', 'sha512-256')];
    if (name === undefined) throw refuse();
    return name;
}

const invalidDigest = (algorithm) => () => codedError(TypeError, 'ERR_CRYPTO_INVALID_DIGEST', `Invalid digest: ${algorithm}`);

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
    createSign: (algorithm) => new Sign(String(algorithm)),
    createVerify: (algorithm) => new Sign(String(algorithm)),
    sign: (algorithm, data, key) => new Sign(algorithm === null || algorithm === undefined ? 'ed25519' : String(algorithm)).update(data).sign(key),
    verify: (algorithm, data, key, signature) => new Sign(algorithm === null || algorithm === undefined ? 'ed25519' : String(algorithm)).update(data).verify(key, signature),
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
        if (!isBytes(a)) throw wrongType('"buf1" argument', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', a);
        if (!isBytes(b)) throw wrongType('"buf2" argument', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', b);
        if (a.byteLength !== b.byteLength) throw codedError(RangeError, 'ERR_CRYPTO_TIMING_SAFE_EQUAL_LENGTH', 'Input buffers must have the same byte length');
        return native.timingSafeEqual(viewOf(a), viewOf(b));
    },
    getHashes: () => Object.keys(HASHES).map((name) => name.replace(/^rsa-(\w)/, (_, first) => `RSA-${first}`).replace(/^RSA-.*/, (text) => text.toUpperCase())),
    constants: CONSTANTS
};

// The global `crypto`, as far as packages use it: random values. There is no `subtle`.
const webCrypto = { getRandomValues: crypto.getRandomValues, randomUUID: crypto.randomUUID };
crypto.webcrypto = webCrypto;
