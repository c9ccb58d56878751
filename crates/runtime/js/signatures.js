// Signatures of the module `crypto`.

const CONSTANTS = Object.freeze({ RSA_PKCS1_PADDING: 1, RSA_NO_PADDING: 3, RSA_PKCS1_OAEP_PADDING: 4, RSA_PKCS1_PSS_PADDING: 6, RSA_PSS_SALTLEN_DIGEST: -1, RSA_PSS_SALTLEN_MAX_SIGN: -2, RSA_PSS_SALTLEN_AUTO: -2 });

const notHere = (message) => codedError(Error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', message);

// What a key and its options ask for: the text of the key, the digest, the form of the signature, and how long the salt is.
function signing(algorithm, key, open, misfit) {
    const text = keyText(key, open);
    const info = native.publicKey(text);
    const parts = info && attempt(() => publicParts(new Uint8Array(info)), undefined);
    const options = key && typeof key === 'object' && !isBytes(key) ? key : {};
    const { dsaEncoding = 'der', padding, saltLength } = options;
    if (dsaEncoding !== 'der' && dsaEncoding !== 'ieee-p1363') throw invalidValue('options.dsaEncoding', dsaEncoding);
    const pss = padding === CONSTANTS.RSA_PKCS1_PSS_PADDING && (parts === undefined || parts.kind === 'rsa');
    if (saltLength !== undefined && !Number.isInteger(saltLength)) throw invalidValue('options.saltLength', saltLength);
    if (saltLength < CONSTANTS.RSA_PSS_SALTLEN_AUTO) throw codedError(Error, 'ERR_OSSL_INVALID_SALT_LENGTH', `A salt cannot be ${saltLength} bytes long`);
    if (!pss && padding !== undefined && padding !== CONSTANTS.RSA_PKCS1_PADDING && parts?.kind === 'rsa') throw notHere('RSA signs with RSA_PKCS1_PADDING and RSA_PKCS1_PSS_PADDING here');
    const digest = digestFor(algorithm, parts, misfit);
    const salt = saltLength === CONSTANTS.RSA_PSS_SALTLEN_DIGEST ? native.hash(digest, []).byteLength : saltLength === CONSTANTS.RSA_PSS_SALTLEN_AUTO ? undefined : saltLength;
    return { text, parts, digest, form: pss ? 'pss' : dsaEncoding, salt };
}

// The digest that is signed: that of the key, where none was named. `misfit` is the code of the error for one that does not fit.
function digestFor(algorithm, parts, misfit = 'ERR_OSSL_INVALID_DIGEST') {
    if (parts?.kind === 'ed25519') {
        if (algorithm !== undefined) throw codedError(Error, misfit, 'Keys of Ed25519 sign the data itself: leave the algorithm out (`crypto.sign(null, data, key)`)');
        return 'ed25519';
    }
    const digest = algorithm ?? (parts === undefined ? 'ed25519' : 'sha256');
    const known = parts?.kind === 'ec' ? [CURVES[parts.curve].digest] : ['sha256', 'sha384', 'sha512'];
    if (parts !== undefined && !known.includes(digest)) throw notHere(`Keys of this kind (${parts.curve ?? parts.kind}) sign with ${known.join(', ')} here, not with ${digest}`);
    return digest;
}

function signed(algorithm, key, chunks, misfit) {
    const { text, digest, form, salt } = signing(algorithm, key, false, misfit);
    if (/PUBLIC KEY/.test(pemLabel(text))) throw unknownKey('private key');
    // Without a length the digest's own is taken; Node takes the longest. Who verifies finds either out by itself, unless told a length.
    if (form === 'pss' && salt !== undefined && salt !== native.hash(digest, []).byteLength) throw notHere('RSA-PSS signs with as much salt as the digest is long: say `saltLength: crypto.constants.RSA_PSS_SALTLEN_DIGEST`');
    try {
        return native.sign(digest, text, chunks, form);
    } catch {
        throw unknownKey('private key');
    }
}

function verified(algorithm, key, chunks, signature, misfit) {
    const { text, parts, digest, form, salt } = signing(algorithm, key, true, misfit);
    if (parts === undefined) throw unknownKey('key');
    if (form === 'pss' && salt !== native.hash(digest, []).byteLength) return verifiedSalted(digest, parts, chunks, signature, salt);
    return native.verify(digest, text, chunks, signature, form);
}

// RSASSA-PSS of RFC 8017, section 8.1.2, with any length of salt; whatever length it has, if none is given.
function verifiedSalted(digest, { material }, chunks, signature, salt) {
    const [modulus, exponent] = derItems(derElement(material).content).map(({ content }) => bigOf(content));
    const bits = modulus.toString(2).length;
    const value = bigOf(signature);
    if (signature.length !== Math.ceil(bits / 8) || value >= modulus || exponent.toString(2).length > 33) return false;
    const size = Math.ceil((bits - 1) / 8);
    const text = powerOf(value, exponent, modulus).toString(16);
    const block = new Uint8Array(native.decode(text.padStart(size * 2, '0'), 'hex'));
    const hash = (parts) => new Uint8Array(native.hash(digest, parts));
    const sum = hash(chunks);
    const masked = size - sum.length - 1;
    const unused = 8 * size - (bits - 1);
    if (block.length !== size || masked < 1 || block[size - 1] !== 0xbc || block[0] >> (8 - unused) !== 0) return false;
    const inner = block.subarray(masked, size - 1);
    const data = block.slice(0, masked);
    for (let place = 0, counter = 0; place < masked; counter++) for (const byte of hash([inner, new Uint8Array([counter >> 24, counter >> 16, counter >> 8, counter])]).subarray(0, masked - place)) data[place++] ^= byte;
    data[0] &= 0xff >> unused;
    const first = data.findIndex((byte) => byte !== 0);
    if (data[first] !== 1 || (salt !== undefined && masked - first - 1 !== salt)) return false;
    return same(hash([new Uint8Array(8), sum, data.subarray(first + 1)]), inner);
}

function powerOf(base, exponent, modulus) {
    let result = 1n;
    for (const bit of exponent.toString(2)) {
        result = (result * result) % modulus;
        if (bit === '1') result = (result * base) % modulus;
    }
    return result;
}

const UNFIT = 'ERR_CRYPTO_UNSUPPORTED_OPERATION';

class Sign {
    #algorithm;
    #chunks = [];

    constructor(algorithm) {
        if (typeof algorithm !== 'string') throw wrongType('"algorithm" argument', 'of type string', algorithm);
        this.#algorithm = hashName(algorithm, invalidDigest(algorithm));
    }

    update(data, encoding) {
        this.#chunks.push(cryptoBytes(data, encoding));
        return this;
    }

    sign(key, encoding) {
        return cryptoOutput(signed(this.#algorithm, key, this.#chunks, UNFIT), encoding);
    }

    verify(key, signature, encoding) {
        return verified(this.#algorithm, key, this.#chunks, cryptoBytes(signature, encoding, 'signature'), UNFIT);
    }
}

// At once, or later for a callback.
function answered(callback, work) {
    if (callback === undefined) return work();
    needFunction('callback', callback);
    let answer;
    try {
        answer = [null, work()];
    } catch (error) {
        answer = [error];
    }
    queueMicrotask(() => callback(...answer));
}

const namedDigest = (algorithm) => (algorithm === null || algorithm === undefined ? undefined : hashName(algorithm, invalidDigest(algorithm)));

Object.assign(crypto, {
    createSign: (algorithm) => new Sign(algorithm),
    createVerify: (algorithm) => new Sign(algorithm),
    sign(algorithm, data, key, callback) {
        const [digest, bytes] = [namedDigest(algorithm), cryptoBytes(data)];
        return answered(callback, () => new Bytes(signed(digest, key, [bytes])));
    },
    verify(algorithm, data, key, signature, callback) {
        const [digest, bytes, given] = [namedDigest(algorithm), cryptoBytes(data), cryptoBytes(signature, undefined, 'signature')];
        return answered(callback, () => verified(digest, key, [bytes], given));
    },
    constants: CONSTANTS
});
