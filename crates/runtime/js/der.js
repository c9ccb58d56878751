// DER, as far as keys are written in it, and the text around it (PEM).

const DER = { __proto__: null, integer: 0x02, bits: 0x03, octets: 0x04, nothing: 0x05, name: 0x06, list: 0x30, first: 0xa0, second: 0xa1 };

// The element at the beginning: its tag, what is in it, and what follows it.
function derElement(bytes) {
    let length = bytes[1];
    let begin = 2;
    if (length >= 0x80) {
        begin += length - 0x80;
        length = bytes.subarray(2, begin).reduce((size, byte) => size * 256 + byte, 0);
    }
    if (!(begin + length <= bytes.length)) throw new RangeError('The key is cut off');
    return { tag: bytes[0], content: bytes.subarray(begin, begin + length), rest: bytes.subarray(begin + length) };
}

// The elements of a list.
function derItems(list) {
    const items = [];
    for (let rest = list; rest.length > 0; rest = items[items.length - 1].rest) items.push(derElement(rest));
    return items;
}

function derOf(tag, ...parts) {
    const content = bufferStatics.concat(parts);
    const sizes = [];
    for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) sizes.unshift(rest % 256);
    const head = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 + sizes.length, ...sizes];
    return bufferStatics.concat([new Uint8Array(head), content]);
}

// Whole numbers have no zeros in front, but for one that keeps them positive.
const derNumber = (bytes) => {
    const plain = withoutZeros(bytes);
    return derOf(DER.integer, plain[0] >= 0x80 ? bufferStatics.concat([new Uint8Array(1), plain]) : plain);
};

function withoutZeros(bytes) {
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? new Uint8Array(1) : bytes.subarray(first);
}

const derBits = (bytes) => derOf(DER.bits, new Uint8Array(1), bytes);
const bigOf = (bytes) => BigInt(`0x${native.encode(bytes, 'hex') || '0'}`);

function pemLabel(pem) {
    return /-----BEGIN ([^-]+)-----/.exec(pem)?.[1];
}

function pemBytes(pem) {
    return new Uint8Array(native.decode(/-----BEGIN [^-]+-----([^-]*)-----END/.exec(pem)?.[1].replace(/\s/g, '') ?? '', 'base64'));
}

function pemText(label, der) {
    const lines = native.encode(new Uint8Array(der), 'base64').match(/.{1,64}/g) ?? [];
    return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`;
}
