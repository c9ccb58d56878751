// JSON.parse, whose complaints name the place in the words that people know.

const engineParse = JSON.parse;
const CONTEXT = 10;

// The first character at which a text stops being JSON; its length when it stops too early.
function jsonBreak(text) {
    const token = /[ \t\n\r]*(?:("(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*")|(-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)|([{}[\]:,]))/y;
    const open = [];
    let at = 0;
    // What may come next: a value, the end of what is open, a name, a colon, or what follows a value.
    let wanted = 'value';
    for (;;) {
        token.lastIndex = at;
        const found = token.exec(text);
        const place = at + /^[ \t\n\r]*/.exec(text.slice(at))[0].length;
        if (found === null) return place;
        const [, string, plain, sign] = found;
        const value = string !== undefined || plain !== undefined;
        const inside = open[open.length - 1];
        if (wanted.startsWith('value') && (value || sign === '{' || sign === '[')) {
            if (!value) open.push(sign);
            wanted = value ? 'after' : sign === '{' ? 'name or end' : 'value or end';
        } else if (wanted.startsWith('name') && string !== undefined) wanted = 'colon';
        else if (wanted === 'colon' && sign === ':') wanted = 'value';
        else if ((wanted === 'after' || wanted.endsWith('or end')) && inside !== undefined && sign === (inside === '{' ? '}' : ']')) {
            open.pop();
            wanted = 'after';
        } else if (wanted === 'after' && sign === ',' && inside !== undefined) wanted = inside === '{' ? 'name' : 'value';
        else return place;
        at = token.lastIndex;
    }
}

function jsonComplaint(text) {
    if (/^(?:undefined|NaN|Infinity|\[object Object\])$/.test(text)) return `"${text}" is not valid JSON`;
    const at = jsonBreak(text);
    if (at >= text.length) return undefined;
    const token = String.fromCodePoint(text.codePointAt(at));
    if (text.length <= 2 * CONTEXT) return `Unexpected token '${token}', "${text}" is not valid JSON`;
    const [from, to] = [Math.max(0, at - CONTEXT), Math.min(text.length, at + CONTEXT)];
    return `Unexpected token '${token}', ${from > 0 ? '...' : ''}"${text.slice(from, to)}"${to < text.length ? '... ' : ' '}is not valid JSON`;
}

Object.defineProperty(JSON, 'parse', {
    value: function parse(text, reviver) {
        try {
            return engineParse(text, reviver);
        } catch (error) {
            if (error instanceof SyntaxError && typeof text !== 'object' && /^unexpected token/.test(error.message)) {
                const complaint = attempt(() => jsonComplaint(String(text)), undefined);
                if (complaint !== undefined) throw new SyntaxError(complaint);
            }
            throw error;
        }
    },
    writable: true,
    enumerable: false,
    configurable: true
});
