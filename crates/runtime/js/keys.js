// Keys of the module `crypto`: RSA, P-256, P-384 and Ed25519, from text and back into every form that they have.

const oid = (hex) => new Uint8Array(native.decode(hex, 'hex'));
// Both numbers of a point are `size` bytes long.
const CURVES = {
    __proto__: null,
    prime256v1: { oid: oid('2a8648ce3d030107'), jwk: 'P-256', size: 32, digest: 'sha256' },
    secp384r1: { oid: oid('2b81040022'), jwk: 'P-384', size: 48, digest: 'sha384' }
};
const KINDS = { __proto__: null, rsa: oid('2a864886f70d010101'), ec: oid('2a8648ce3d0201'), ed25519: oid('2b6570') };
const KNOWN_KINDS = 'RSA of 2048 to 4096 bits, P-256, P-384 and Ed25519';
const RSA_MEMBERS = ['n', 'e', 'd', 'p', 'q', 'dp', 'dq', 'qi'];

const invalidJwk = (what) => codedError(TypeError, 'ERR_CRYPTO_INVALID_JWK', `Invalid JWK data: ${what}`);
const unknownKey = (what) => codedError(Error, 'ERR_OSSL_UNSUPPORTED', `The text is no ${what}, or none of a kind that is known here: ${KNOWN_KINDS}`);
const same = (a, b) => compareBytes(a, b) === 0;

// Kind, curve and what is left of the description of an algorithm.
function algorithmOf(element) {
    const [name, parameter] = derItems(element.content);
    const kind = Object.keys(KINDS).find((one) => same(KINDS[one], name.content));
    const curve = kind === 'ec' ? Object.keys(CURVES).find((one) => same(CURVES[one].oid, parameter.content)) : undefined;
    if (kind === undefined || (kind === 'ec' && curve === undefined)) throw new TypeError('Unknown kind of key');
    return { kind, curve };
}

// A public key (SubjectPublicKeyInfo): `material` is what its kind has: both numbers of RSA, a point, 32 bytes.
function publicParts(der) {
    const [algorithm, bits] = derItems(derElement(der).content);
    return { ...algorithmOf(algorithm), material: bits.content.subarray(1) };
}

// A private key: `material` is the list of numbers of RSA (PKCS #1), or the secret itself.
function privateParts(pem) {
    const der = pemBytes(pem);
    const items = derItems(derElement(der).content);
    switch (pemLabel(pem)) {
        case 'RSA PRIVATE KEY':
            return { kind: 'rsa', material: der };
        case 'EC PRIVATE KEY': {
            const named = derElement(items.find(({ tag }) => tag === DER.first).content);
            return { kind: 'ec', curve: Object.keys(CURVES).find((one) => same(CURVES[one].oid, named.content)), material: items[1].content };
        }
    }
    const found = algorithmOf(items[1]);
    const inner = items[2].content;
    return { ...found, material: found.kind === 'rsa' ? inner : found.kind === 'ec' ? derItems(derElement(inner).content)[1].content : derElement(inner).content };
}

function algorithmDer({ kind, curve }) {
    const parameter = kind === 'rsa' ? [derOf(DER.nothing)] : kind === 'ec' ? [derOf(DER.name, CURVES[curve].oid)] : [];
    return derOf(DER.list, derOf(DER.name, KINDS[kind]), ...parameter);
}

const publicDer = (parts) => derOf(DER.list, algorithmDer(parts), derBits(parts.material));

// A secret on a curve: PKCS #8 names the curve outside, the older form inside.
function curveDer({ curve, material }, point, alone) {
    return derOf(DER.list, derNumber(new Uint8Array([1])), derOf(DER.octets, material), ...(alone ? [derOf(DER.first, derOf(DER.name, CURVES[curve].oid))] : []), derOf(DER.second, derBits(point)));
}

function privateDer(parts, point) {
    const inner = parts.kind === 'rsa' ? parts.material : parts.kind === 'ec' ? curveDer(parts, point, false) : derOf(DER.octets, parts.material);
    return derOf(DER.list, derNumber(new Uint8Array(1)), algorithmDer(parts), derOf(DER.octets, inner));
}

const base64url = (bytes) => native.encode(bytes, 'base64url');

function jwkOf({ kind, curve, material }, secret) {
    if (kind === 'ed25519') return { crv: 'Ed25519', ...(secret && { d: base64url(secret.material) }), x: base64url(material), kty: 'OKP' };
    if (kind === 'ec') {
        const { jwk, size } = CURVES[curve];
        return { kty: 'EC', x: base64url(material.subarray(1, 1 + size)), y: base64url(material.subarray(1 + size)), crv: jwk, ...(secret && { d: base64url(secret.material) }) };
    }
    const numbers = derItems(derElement(secret?.material ?? material).content).map(({ content }) => base64url(withoutZeros(content)));
    return { kty: 'RSA', ...Object.fromEntries((secret ? numbers.slice(1) : numbers).map((number, place) => [RSA_MEMBERS[place], number])) };
}

// PEM of a JWK; a private one where it is private and that is wanted.
function pemOfJwk(jwk, open) {
    if (typeof jwk !== 'object' || jwk === null) throw wrongType('"key.key" property', 'of type object', jwk);
    const bytes = (name, size) => {
        if (typeof jwk[name] !== 'string') throw invalidJwk(`"${name}" is missing`);
        const found = new Uint8Array(native.decode(jwk[name], 'base64'));
        if (found.length === 0 || found.length > (size ?? found.length)) throw invalidJwk(name);
        return size === undefined ? found : bufferStatics.concat([new Uint8Array(size - found.length), found]);
    };
    const secret = !open;
    const written = (parts, point) => (secret ? pemText('PRIVATE KEY', privateDer(parts, point)) : pemText('PUBLIC KEY', publicDer({ ...parts, material: point })));
    if (jwk.kty === 'RSA') {
        const numbers = RSA_MEMBERS.slice(0, secret ? 8 : 2).map((name) => derNumber(bytes(name)));
        return written({ kind: 'rsa', material: secret && derOf(DER.list, derNumber(new Uint8Array(1)), ...numbers) }, derOf(DER.list, ...numbers));
    }
    if (jwk.kty === 'EC') {
        const curve = Object.keys(CURVES).find((one) => CURVES[one].jwk === jwk.crv);
        if (curve === undefined) throw codedError(TypeError, 'ERR_CRYPTO_INVALID_CURVE', `Curve ${String(jwk.crv)} is not known here: ${KNOWN_KINDS}`);
        const { size } = CURVES[curve];
        return written({ kind: 'ec', curve, material: secret && bytes('d', size) }, bufferStatics.concat([new Uint8Array([4]), bytes('x', size), bytes('y', size)]));
    }
    if (jwk.kty === 'OKP') {
        if (jwk.crv !== 'Ed25519') throw codedError(TypeError, 'ERR_CRYPTO_INVALID_CURVE', `Curve ${String(jwk.crv)} is not known here: ${KNOWN_KINDS}`);
        return written({ kind: 'ed25519', material: secret && bytes('d', 32) }, bytes('x', 32));
    }
    throw invalidJwk(`${String(jwk.kty)} is not a supported JWK key type`);
}

let secretOf;
let pemOf;

class KeyObject {
    #secret;
    #pem;
    #parts;

    static {
        secretOf = (key) => key.#secret ?? textToBytes(key.#pem, 'utf8');
        pemOf = (key) => key.#pem;
    }

    constructor(type, secret, pem) {
        this.#secret = secret;
        this.#pem = pem;
        Object.defineProperty(this, 'type', { value: type, enumerable: true });
    }

    static from(key) {
        if (!(key instanceof CryptoKey)) throw wrongType('"key" argument', 'an instance of CryptoKey', key);
        return keyOfCryptoKey(key);
    }

    // What the public half is made of.
    #open() {
        this.#parts ??= publicParts(this.type === 'public' ? pemBytes(this.#pem) : new Uint8Array(native.publicKey(this.#pem)));
        return this.#parts;
    }

    get symmetricKeySize() {
        return this.#secret?.length;
    }

    get asymmetricKeyType() {
        return this.#pem === undefined ? undefined : this.#open().kind;
    }

    get asymmetricKeyDetails() {
        if (this.#pem === undefined) return undefined;
        const { kind, curve, material } = this.#open();
        if (kind === 'ec') return { namedCurve: curve };
        if (kind !== 'rsa') return {};
        const [modulus, exponent] = derItems(derElement(material).content).map(({ content }) => bigOf(content));
        return { modulusLength: modulus.toString(2).length, publicExponent: exponent };
    }

    export(options) {
        if (this.#secret !== undefined) return this.#exportSecret(options);
        if (typeof options !== 'object' || options === null) throw wrongType('"options" argument', 'of type object', options);
        const { format, type } = options;
        const open = this.type === 'public';
        const secret = open ? undefined : privateParts(this.#pem);
        if (format === 'jwk') return jwkOf(this.#open(), secret);
        if (format !== 'pem' && format !== 'der') throw invalidValue('options.format', format);
        const kind = this.asymmetricKeyType;
        if ((type === 'pkcs1' && kind !== 'rsa') || (type === 'sec1' && kind !== 'ec' && !open)) throw codedError(Error, 'ERR_CRYPTO_INCOMPATIBLE_KEY_OPTIONS', `The selected key encoding ${type} can only be used for ${type === 'sec1' ? 'EC' : 'RSA'} keys.`);
        if (!(open ? ['pkcs1', 'spki'] : ['pkcs1', 'pkcs8', 'sec1']).includes(type)) throw invalidValue('options.type', type);
        if (options.cipher !== undefined || options.passphrase !== undefined) throw codedError(Error, 'ERR_FEATURE_UNAVAILABLE_ON_PLATFORM', 'Keys cannot be encrypted here: leave out `cipher` and `passphrase`');
        const { material } = this.#open();
        const der = open ? (type === 'spki' ? publicDer(this.#open()) : material) : type === 'pkcs8' ? privateDer(secret, material) : type === 'pkcs1' ? secret.material : curveDer(secret, material, true);
        if (format === 'der') return new Bytes(der.slice().buffer);
        return pemText({ spki: 'PUBLIC KEY', pkcs8: 'PRIVATE KEY', sec1: 'EC PRIVATE KEY', pkcs1: open ? 'RSA PUBLIC KEY' : 'RSA PRIVATE KEY' }[type], der);
    }

    #exportSecret(options) {
        if (options !== undefined && (typeof options !== 'object' || options === null)) throw wrongType('"options" argument', 'of type object', options);
        if (options?.format === 'jwk') return { kty: 'oct', k: base64url(this.#secret) };
        if (options?.format !== undefined && options.format !== 'buffer') throw invalidValue('options.format', options.format);
        return new Bytes(this.#secret.slice().buffer);
    }

    equals(other) {
        if (!(other instanceof KeyObject)) throw wrongType('"otherKeyObject" argument', 'an instance of KeyObject', other);
        if (other.type !== this.type) return false;
        const whole = (key) => (key.type === 'secret' ? secretOf(key) : key.export({ format: 'der', type: key.type === 'public' ? 'spki' : 'pkcs8' }));
        return same(whole(this), whole(other));
    }

    toCryptoKey(algorithm, extractable, usages) {
        return cryptoKeyOf(this, algorithm, extractable, usages);
    }
}
Object.defineProperty(KeyObject.prototype, Symbol.toStringTag, { value: 'KeyObject', configurable: true });

const wrongKeyType = (type, wanted) => codedError(TypeError, 'ERR_CRYPTO_INVALID_KEY_OBJECT_TYPE', `Invalid key object type ${type}, expected ${wanted}.`);
const invalidValue = (name, value) => codedError(TypeError, 'ERR_INVALID_ARG_VALUE', `The property '${name}' is invalid. Received ${String(value)}`);

// Text of a key: PEM, or DER or JWK with the words that say what it is. `open` where only the public half is wanted.
function keyText(key, open = false) {
    const given = key && typeof key === 'object' && !isBytes(key) && !(key instanceof KeyObject) && !(key instanceof CryptoKey) ? key : { key };
    const material = given.key instanceof CryptoKey ? keyOfCryptoKey(given.key) : given.key;
    if (material instanceof KeyObject) {
        if (material.type === 'secret' || (material.type === 'public' && !open)) throw wrongKeyType(material.type, open ? 'private or public' : 'private');
        return pemOf(material);
    }
    if (given.format === 'jwk') return pemOfJwk(material, open);
    if (given.format === 'der') {
        const der = viewOf(material);
        if (der === undefined) throw wrongType('"key.key" property', 'an instance of ArrayBuffer, Buffer, TypedArray, or DataView', material);
        // Beside the public one, the private list of numbers begins with its version.
        const rsa = () => (attempt(() => derItems(derElement(der).content).length, 0) > 2 ? 'RSA PRIVATE KEY' : 'RSA PUBLIC KEY');
        return pemText({ pkcs1: given.type === 'pkcs1' && rsa(), sec1: 'EC PRIVATE KEY', spki: 'PUBLIC KEY' }[given.type] ?? 'PRIVATE KEY', der);
    }
    const text = isBytes(material) ? native.utf8(viewOf(material), false) : material;
    if (typeof text !== 'string') throw wrongType('"key" argument', 'of type string or an instance of Buffer, KeyObject, or an object', material);
    if (/ENCRYPTED/.test(text)) throw codedError(TypeError, 'ERR_MISSING_PASSPHRASE', 'Encrypted private keys are not supported: decrypt the key before it is stored');
    return text;
}

function createPrivateKey(key) {
    if (key instanceof KeyObject) throw wrongType('"key" argument', 'of type string or an instance of ArrayBuffer, Buffer, TypedArray, DataView, or an object', key);
    const pem = keyText(key);
    if (!/PRIVATE KEY-----/.test(pem)) throw codedError(Error, 'ERR_OSSL_UNSUPPORTED', 'The text is no private key');
    if (native.publicKey(pem) === undefined) throw key?.format === 'jwk' ? invalidJwk('the numbers are no key of a kind that is known here') : unknownKey('private key');
    return new KeyObject('private', undefined, pem);
}

function createPublicKey(key) {
    if (key instanceof KeyObject && key.type !== 'private') throw wrongKeyType(key.type, 'private');
    const info = native.publicKey(keyText(key, true));
    if (info === undefined || attempt(() => publicParts(new Uint8Array(info)), undefined) === undefined) throw unknownKey('key');
    return new KeyObject('public', undefined, pemText('PUBLIC KEY', info));
}
