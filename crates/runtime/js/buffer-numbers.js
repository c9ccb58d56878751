// Numbers in a Buffer: reading and writing, checked as Node checks them.

function dataView(buffer) {
    return new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
}

function checkNumberPlace(buffer, offset, size) {
    if (typeof offset !== 'number') throw wrongType('"offset" argument', 'of type number', offset);
    if (!Number.isInteger(offset)) throw outOfRange('offset', 'an integer', offset);
    if (buffer.length < size) throw codedError(RangeError, 'ERR_BUFFER_OUT_OF_BOUNDS', 'Attempt to access memory outside buffer bounds');
    if (offset < 0 || offset > buffer.length - size) throw outOfRange('offset', `>= 0 and <= ${buffer.length - size}`, offset);
}

// Bounds of what can be written; numbers with a fraction have none.
function checkNumber(value, bits, signed) {
    const big = bits === 64;
    if (big && typeof value !== 'bigint') throw wrongType('"value" argument', 'of type bigint', value);
    // A BigInt is no number of the other kinds.
    const number = big ? value : +value;
    const [least, most] = signed ? [big ? -(2n ** 63n) : -(2 ** (bits - 1)), big ? 2n ** 63n - 1n : 2 ** (bits - 1) - 1] : [big ? 0n : 0, big ? 2n ** 64n - 1n : 2 ** bits - 1];
    if (number < least || number > most) throw outOfRange('value', `>= ${least} and <= ${most}`, value);
    return number;
}

function defineNumber(name, read, write) {
    const names = name.includes('UInt') ? [name, name.replace('UInt', 'Uint')] : [name];
    for (const one of names) {
        Object.defineProperty(Bytes.prototype, `read${one}`, { value: read, writable: true, configurable: true });
        Object.defineProperty(Bytes.prototype, `write${one}`, { value: write, writable: true, configurable: true });
    }
}

for (const [name, method, size] of [
    ['Int8', 'Int8', 1], ['UInt8', 'Uint8', 1], ['Int16', 'Int16', 2], ['UInt16', 'Uint16', 2], ['Int32', 'Int32', 4],
    ['UInt32', 'Uint32', 4], ['Float', 'Float32', 4], ['Double', 'Float64', 8], ['BigInt64', 'BigInt64', 8], ['BigUInt64', 'BigUint64', 8]
]) {
    const whole = method.includes('nt');
    for (const [suffix, little] of size === 1 ? [['', true]] : [['LE', true], ['BE', false]]) {
        defineNumber(
            `${name}${suffix}`,
            function (offset = 0) {
                checkNumberPlace(this, offset, size);
                return dataView(this)[`get${method}`](offset, little);
            },
            function (value, offset = 0) {
                const number = whole ? checkNumber(value, size * 8, !name.includes('UInt')) : +value;
                checkNumberPlace(this, offset, size);
                dataView(this)[`set${method}`](offset, number, little);
                return offset + size;
            }
        );
    }
}

// Whole numbers of one to six bytes.
for (const [name, signed] of [['UInt', false], ['Int', true]]) {
    for (const [suffix, little] of [['LE', true], ['BE', false]]) {
        const place = (offset, size, index) => (little ? offset + index : offset + size - 1 - index);
        defineNumber(
            `${name}${suffix}`,
            function (offset, size) {
                checkPlace('byteLength', size, 1, 6);
                checkNumberPlace(this, offset, size);
                let value = 0;
                for (let i = size - 1; i >= 0; i--) value = value * 256 + this[place(offset, size, i)];
                return signed && value >= 2 ** (size * 8 - 1) ? value - 2 ** (size * 8) : value;
            },
            function (value, offset, size) {
                checkPlace('byteLength', size, 1, 6);
                let rest = checkNumber(value, size * 8, signed);
                checkNumberPlace(this, offset, size);
                rest = Math.trunc(rest) + (rest < 0 ? 2 ** (size * 8) : 0);
                for (let i = 0; i < size; i++) {
                    this[place(offset, size, i)] = rest % 256;
                    rest = Math.floor(rest / 256);
                }
                return offset + size;
            }
        );
    }
}
