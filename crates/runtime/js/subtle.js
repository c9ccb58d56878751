// `crypto.subtle` as far as tokens need it: digests, and signatures with HMAC, RSA, P-256, P-384 and Ed25519.

const WEB_HASHES = { __proto__: null, 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' };
// What each is in a JWK, and which key it needs.
const WEB_ALGORITHMS = {
    __proto__: null,
    HMAC: { kty: 'oct', hashed: true, alg: (hash) => `HS${hash.slice(4)}` },
    'RSASSA-PKCS1-v1_5': { kty: 'RSA', kind: 'rsa', hashed: true, alg: (hash) => (hash === 'SHA-1' ? 'RS1' : `RS${hash.slice(4)}`) },
    'RSA-PSS': { kty: 'RSA', kind: 'rsa', hashed: true, alg: (hash) => (hash === 'SHA-1' ? 'PS1' : `PS${hash.slice(4)}`) },
    ECDSA: { kty: 'EC', kind: 'ec' },
    Ed25519: { kty: 'OKP', kind: 'ed25519', alg: () => 'Ed25519' }
};
const USAGES = ['encrypt', 'decrypt', 'sign', 'verify', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey'];
const FORMATS = ['raw', 'pkcs8', 'spki', 'jwk'];

const notSupported = (message) => domError('NotSupportedError', 9, message);
const dataError = (message) => domError('DataError', 0, message);
const wrongUse = (message) => domError('InvalidAccessError', 15, message);
const wrongWord = (place, value, type) => codedError(TypeError, 'ERR_INVALID_ARG_VALUE', `'${String(value)}' (${place}) is not a valid enum value of type ${type}`);

let keyOfCryptoKey;
const MAKING_KEY = Symbol('making a key');

class CryptoKey {
    #object;
    #fields;

    static {
        keyOfCryptoKey = (key) => key.#object;
    }

    constructor(token, object, fields) {
        if (token !== MAKING_KEY) throw codedError(TypeError, 'ERR_ILLEGAL_CONSTRUCTOR', 'Illegal constructor');
        this.#object = object;
        this.#fields = fields;
    }

    get type() {
        return this.#object.type;
    }

    get extractable() {
        return this.#fields.extractable;
    }

    get algorithm() {
        return this.#fields.algorithm;
    }

    get usages() {
        return this.#fields.usages;
    }
}
Object.defineProperty(CryptoKey.prototype, Symbol.toStringTag, { value: 'CryptoKey', configurable: true });

// One of a table, whatever the case of its letters.
function webName(table, given) {
    const name = String(typeof given === 'object' && given !== null ? given.name : given);
    return [Object.keys(table).find((one) => one.toLowerCase() === name.toLowerCase()), name];
}

function webAlgorithm(given, method) {
    const [found, name] = webName(WEB_ALGORITHMS, given);
    if (found === undefined) throw notSupported(`crypto.subtle.${method}: '${name}' is not available here; there are ${Object.keys(WEB_ALGORITHMS).join(', ')}`);
    return found;
}

function webHash(given, method) {
    if (given === undefined) throw codedError(TypeError, 'ERR_MISSING_OPTION', `crypto.subtle.${method}: 'hash' is required in the algorithm`);
    const [found, name] = webName(WEB_HASHES, given);
    if (found === undefined) throw notSupported(`crypto.subtle.${method}: '${name}' is not available here; there are ${Object.keys(WEB_HASHES).join(', ')}`);
    return found;
}

function webBytes(data, place) {
    const view = viewOf(data);
    if (view === undefined) throw codedError(TypeError, 'ERR_INVALID_ARG_TYPE', `${place} is not instance of ArrayBuffer, Buffer, TypedArray, or DataView.`);
    return view.slice();
}

// A key object with what may be done with it.
function cryptoKeyOf(object, algorithm, extractable, usages) {
    const name = webAlgorithm(algorithm, 'importKey');
    const { kind, hashed } = WEB_ALGORITHMS[name];
    const described = { name };
    const wanted = [...usages];
    for (const usage of wanted) if (!USAGES.includes(usage)) throw wrongWord('usages', usage, 'KeyUsage');
    const hash = hashed && webHash(algorithm.hash, 'importKey');
    const allowed = object.type === 'secret' ? ['sign', 'verify'] : object.type === 'private' ? ['sign'] : ['verify'];
    if (wanted.some((usage) => !allowed.includes(usage))) throw domError('SyntaxError', 12, `Unsupported key usage for ${name} key`);
    if (wanted.length === 0 && object.type !== 'public') throw domError('SyntaxError', 12, `Usages cannot be empty when importing a ${object.type} key.`);
    if (object.asymmetricKeyType !== kind) throw dataError('Invalid key type');
    const details = object.asymmetricKeyDetails;
    if (kind === 'rsa') {
        const exponent = new Uint8Array(native.decode(details.publicExponent.toString(16).replace(/^(?=(?:..)*.$)/, '0'), 'hex'));
        Object.assign(described, { modulusLength: details.modulusLength, publicExponent: exponent });
    } else if (kind === 'ec') {
        const curve = Object.keys(CURVES).find((one) => CURVES[one].jwk === algorithm.namedCurve);
        if (curve === undefined) throw notSupported(`crypto.subtle.importKey: the curve '${String(algorithm.namedCurve)}' is not available here; there are P-256 and P-384`);
        if (curve !== details.namedCurve) throw dataError('Named curve mismatch');
        described.namedCurve = algorithm.namedCurve;
    } else if (kind === undefined) {
        if (object.symmetricKeySize === 0) throw dataError('Zero-length key is not supported');
        described.length = object.symmetricKeySize * 8;
        if (algorithm.length !== undefined && algorithm.length !== described.length) throw dataError('Invalid key length');
    }
    if (hash) described.hash = { name: hash };
    return new CryptoKey(MAKING_KEY, object, { extractable: Boolean(extractable), algorithm: described, usages: USAGES.filter((usage) => wanted.includes(usage)) });
}

// The text of errors about keys may differ; what they are does not.
function keyFrom(make) {
    try {
        return make();
    } catch {
        throw dataError('Invalid keyData');
    }
}

function importRaw(name, { namedCurve }, bytes) {
    if (name === 'HMAC') return new KeyObject('secret', bytes);
    const curve = Object.keys(CURVES).find((one) => CURVES[one].jwk === namedCurve);
    const { kind } = WEB_ALGORITHMS[name];
    const fits = kind === 'ed25519' ? bytes.length === 32 : kind === 'ec' && curve !== undefined && bytes.length === 1 + 2 * CURVES[curve].size && bytes[0] === 4;
    if (!fits) throw kind === 'rsa' ? notSupported(`Unable to import ${name} using raw format`) : dataError('Invalid keyData');
    return keyFrom(() => createPublicKey({ key: publicDer({ kind, curve, material: bytes }), format: 'der', type: 'spki' }));
}

function importJwk(name, algorithm, jwk, extractable, usages) {
    if (typeof jwk !== 'object' || jwk === null || isBytes(jwk)) throw dataError('Invalid keyData');
    const { kty, alg } = WEB_ALGORITHMS[name];
    if (jwk.kty !== kty) throw dataError('Invalid JWK "kty" Parameter');
    if (jwk.use !== undefined && usages.length > 0 && jwk.use !== 'sig') throw dataError('Invalid JWK "use" Parameter');
    if (jwk.key_ops !== undefined && !usages.every((usage) => jwk.key_ops.includes(usage))) throw dataError('Key operations and usage mismatch');
    if (jwk.ext === false && extractable) throw dataError('JWK "ext" Parameter and extractable mismatch');
    const fitting = alg?.(WEB_ALGORITHMS[name].hashed ? webHash(algorithm.hash, 'importKey') : '');
    if (jwk.alg !== undefined && fitting !== undefined && jwk.alg !== fitting && !(name === 'Ed25519' && jwk.alg === 'EdDSA')) throw dataError('JWK "alg" does not match the requested algorithm');
    if (kty !== 'oct') return keyFrom(() => (jwk.d === undefined ? createPublicKey : createPrivateKey)({ key: jwk, format: 'jwk' }));
    if (typeof jwk.k !== 'string') throw dataError('Invalid keyData');
    return new KeyObject('secret', new Uint8Array(native.decode(jwk.k, 'base64')));
}

function exported(format, key) {
    const object = keyOfCryptoKey(key);
    const { algorithm, usages } = key;
    const { alg } = WEB_ALGORITHMS[algorithm.name];
    if (format === 'jwk') return { key_ops: [...usages], ext: true, ...(alg && { alg: alg(algorithm.hash?.name) }), ...object.export({ format: 'jwk' }) };
    const memory = (bytes) => bytes.slice().buffer;
    if (format === 'raw' && key.type === 'secret') return memory(new Uint8Array(object.export()));
    if ((format === 'spki' && key.type === 'public') || (format === 'pkcs8' && key.type === 'private')) return memory(new Uint8Array(object.export({ format: 'der', type: format })));
    if (format === 'raw' && key.type === 'public' && algorithm.name !== 'RSA-PSS' && algorithm.name !== 'RSASSA-PKCS1-v1_5') return memory(new Uint8Array(publicParts(pemBytes(pemOf(object))).material));
    throw notSupported(`Unable to export ${algorithm.name} ${key.type} key using ${format} format`);
}

// Digest and options for the signature of a key.
function webSigning(method, given, key) {
    const name = webAlgorithm(given, method);
    if (!(key instanceof CryptoKey)) throw codedError(TypeError, 'ERR_INVALID_ARG_TYPE', `crypto.subtle.${method}: the key is not of type CryptoKey.`);
    if (name !== key.algorithm.name) throw wrongUse('Key algorithm mismatch');
    if (!key.usages.includes(method)) throw wrongUse(`Unable to use this key to ${method}`);
    const hash = name === 'ECDSA' ? webHash(given.hash, method) : key.algorithm.hash?.name;
    if (name === 'RSA-PSS' && given.saltLength === undefined) throw codedError(TypeError, 'ERR_MISSING_OPTION', `crypto.subtle.${method}: 'saltLength' is required in the algorithm`);
    const more = name === 'RSA-PSS' ? { padding: CONSTANTS.RSA_PKCS1_PSS_PADDING, saltLength: Number(given.saltLength) } : name === 'ECDSA' ? { dsaEncoding: 'ieee-p1363' } : {};
    return { digest: WEB_HASHES[hash], options: { key: keyOfCryptoKey(key), ...more } };
}

// What the module refuses because it is not there is refused with the name that the web has for it.
function worked(work) {
    try {
        return work();
    } catch (error) {
        throw error?.code === 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM' ? notSupported(error.message) : error;
    }
}

class SubtleCrypto {
    async digest(algorithm, data) {
        const hash = webHash(algorithm, 'digest');
        return native.hash(WEB_HASHES[hash], [webBytes(data, 'the data')]);
    }

    async importKey(format, data, algorithm, extractable, usages) {
        if (!FORMATS.includes(format)) throw wrongWord('format', format, 'KeyFormat');
        const name = webAlgorithm(algorithm, 'importKey');
        const { kind } = WEB_ALGORITHMS[name];
        if (format === 'jwk') return cryptoKeyOf(importJwk(name, algorithm, data, extractable, usages), algorithm, extractable, usages);
        const bytes = webBytes(data, 'the key');
        if (format !== 'raw' && kind === undefined) throw notSupported(`Unable to import ${name} using ${format} format`);
        const object = format === 'raw' ? importRaw(name, algorithm, bytes) : keyFrom(() => (format === 'spki' ? createPublicKey : createPrivateKey)({ key: bytes, format: 'der', type: format }));
        return cryptoKeyOf(object, algorithm, extractable, usages);
    }

    async exportKey(format, key) {
        if (!FORMATS.includes(format)) throw wrongWord('format', format, 'KeyFormat');
        if (!(key instanceof CryptoKey)) throw codedError(TypeError, 'ERR_INVALID_ARG_TYPE', 'crypto.subtle.exportKey: the key is not of type CryptoKey.');
        if (!key.extractable) throw wrongUse('key is not extractable');
        return exported(format, key);
    }

    async sign(algorithm, key, data) {
        const { digest, options } = webSigning('sign', algorithm, key);
        const bytes = webBytes(data, 'the data');
        if (key.type === 'secret') return native.hmac(digest, secretOf(options.key), [bytes]);
        return worked(() => signed(digest, options, [bytes]));
    }

    async verify(algorithm, key, signature, data) {
        const { digest, options } = webSigning('verify', algorithm, key);
        const [given, bytes] = [webBytes(signature, 'the signature'), webBytes(data, 'the data')];
        if (key.type === 'secret') return native.timingSafeEqual(new Uint8Array(native.hmac(digest, secretOf(options.key), [bytes])), given);
        return worked(() => verified(digest, options, [bytes], given));
    }
}
for (const method of ['encrypt', 'decrypt', 'generateKey', 'deriveKey', 'deriveBits', 'wrapKey', 'unwrapKey']) {
    replaceMember(SubtleCrypto.prototype, method, async () => {
        throw notSupported(`crypto.subtle.${method} is not available here: use the functions of the module 'crypto' (createCipheriv, pbkdf2, hkdf, randomBytes)`);
    });
}
Object.defineProperty(SubtleCrypto.prototype, Symbol.toStringTag, { value: 'SubtleCrypto', configurable: true });

// The global `crypto`.
const webCrypto = { getRandomValues: crypto.getRandomValues, randomUUID: crypto.randomUUID, subtle: new SubtleCrypto() };
Object.assign(crypto, { webcrypto: webCrypto, subtle: webCrypto.subtle });
