'use strict';
const { isDeepStrictEqual, inspect } = require('util');

class AssertionError extends Error {
    constructor({ message, actual, expected, operator }) {
        super(message ?? `${inspect(actual)} ${operator} ${inspect(expected)}`);
        this.name = 'AssertionError';
        this.code = 'ERR_ASSERTION';
        this.generatedMessage = message === undefined;
        Object.assign(this, { actual, expected, operator });
    }
}

function fail(message, actual, expected, operator) {
    if (message instanceof Error) throw message;
    throw new AssertionError({ message, actual, expected, operator });
}

const check = (holds, actual, expected, message, operator) => {
    if (!holds) fail(message, actual, expected, operator);
};
const assert = (value, message) => check(value, value, true, message ?? 'The expression evaluated to a falsy value', '==');

function matches(error, wanted) {
    if (wanted === undefined || typeof wanted === 'string') return true;
    if (wanted instanceof RegExp) return wanted.test(String(error));
    if (typeof wanted !== 'function') return Object.keys(wanted).every((key) => (wanted[key] instanceof RegExp ? wanted[key].test(error[key]) : isDeepStrictEqual(error[key], wanted[key])));
    return (wanted.prototype !== undefined && error instanceof wanted) || (!Error.isPrototypeOf(wanted) && wanted.call({}, error) === true);
}

module.exports = Object.assign(assert, {
    AssertionError,
    ok: assert,
    fail: (message = 'Failed') => fail(message, undefined, undefined, 'fail'),
    equal: (a, b, message) => check(a == b || (a !== a && b !== b), a, b, message, '=='),
    notEqual: (a, b, message) => check(a != b, a, b, message, '!='),
    strictEqual: (a, b, message) => check(Object.is(a, b), a, b, message, 'strictEqual'),
    notStrictEqual: (a, b, message) => check(!Object.is(a, b), a, b, message, 'notStrictEqual'),
    deepEqual: (a, b, message) => check(isDeepStrictEqual(a, b), a, b, message, 'deepEqual'),
    deepStrictEqual: (a, b, message) => check(isDeepStrictEqual(a, b), a, b, message, 'deepStrictEqual'),
    notDeepStrictEqual: (a, b, message) => check(!isDeepStrictEqual(a, b), a, b, message, 'notDeepStrictEqual'),
    match: (text, pattern, message) => check(pattern.test(text), text, pattern, message, 'match'),
    throws: (call, wanted, message) => {
        try {
            call();
        } catch (error) {
            if (!matches(error, wanted)) throw error;
            return;
        }
        fail(message ?? 'Missing expected exception.', undefined, wanted, 'throws');
    },
    ifError: (value) => {
        if (value !== null && value !== undefined) throw value;
    }
});
assert.strict = assert;
