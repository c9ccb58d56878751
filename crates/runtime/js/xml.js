// XML as SOAP uses it: elements with namespaces, without document types.

const XML_DEPTH_MAX = 512;
const XML_ENTITIES = { __proto__: null, amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

function xmlText(text) {
    if (!text.includes('&')) return text;
    return text.replace(/&(?:#x([0-9a-f]+)|#(\d+)|(\w+));/gi, (whole, hex, decimal, name) => {
        if (name !== undefined) return XML_ENTITIES[name] ?? whole;
        const code = hex === undefined ? parseInt(decimal, 10) : parseInt(hex, 16);
        return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
    });
}

function escapeXml(value) {
    return String(value).replace(/[&<>"']/g, (mark) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&apos;' })[mark]);
}

function splitName(name) {
    const at = name.indexOf(':');
    return at < 0 ? ['', name] : [name.slice(0, at), name.slice(at + 1)];
}

// An element: local name, namespace, attributes as written, children, text, and the prefixes in scope.
function parseXml(text) {
    const fail = (what, at) => {
        throw new Error(`Invalid XML: ${what} at character ${at}`);
    };
    const root = { name: '', ns: '', attributes: {}, children: [], text: '', prefixes: Object.assign(Object.create(null), { xml: 'http://www.w3.org/XML/1998/namespace' }) };
    const open = [root];
    let at = 0;
    while (at < text.length) {
        const begin = text.indexOf('<', at);
        const parent = open[open.length - 1];
        if (begin !== at) {
            const end = begin < 0 ? text.length : begin;
            if (open.length > 1) parent.text += xmlText(text.slice(at, end));
            else if (text.slice(at, end).replace(/^\ufeff/, '').trim() !== '') fail('text outside of the document', at);
            if (begin < 0) break;
        }
        const skip = (mark, length) => {
            const end = text.indexOf(mark, begin + length);
            if (end < 0) fail('something is not closed', begin);
            return end;
        };
        if (text.startsWith('<!--', begin)) {
            at = skip('-->', 4) + 3;
        } else if (text.startsWith('<![CDATA[', begin)) {
            const end = skip(']]>', 9);
            parent.text += text.slice(begin + 9, end);
            at = end + 3;
        } else if (text.startsWith('<?', begin)) {
            at = skip('?>', 2) + 2;
        } else if (text.startsWith('<!', begin)) {
            fail('document types are not accepted', begin);
        } else if (text.startsWith('</', begin)) {
            const end = skip('>', 2);
            if (open.length === 1 || text.slice(begin + 2, end).trim() !== parent.tag) fail(`</${text.slice(begin + 2, end).trim()}> closes nothing`, begin);
            open.pop();
            at = end + 1;
        } else {
            at = openElement(text, begin, open, fail);
        }
    }
    if (open.length > 1) fail(`<${open[open.length - 1].tag}> is not closed`, text.length);
    if (root.children.length !== 1) fail('there is no document element', 0);
    return root.children[0];
}

const XML_ATTRIBUTE = /\s*([^\s=/>]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;
const XML_TAG = /<([^\s/>]+)/y;
const XML_TAG_END = /\s*(\/?)>/y;

function openElement(text, begin, open, fail) {
    XML_TAG.lastIndex = begin;
    const tag = XML_TAG.exec(text)?.[1] ?? fail('a tag has no name', begin);
    const parent = open[open.length - 1];
    const attributes = {};
    let prefixes = parent.prefixes;
    XML_ATTRIBUTE.lastIndex = XML_TAG.lastIndex;
    let at = XML_ATTRIBUTE.lastIndex;
    for (let match; (match = XML_ATTRIBUTE.exec(text)) !== null; at = XML_ATTRIBUTE.lastIndex) {
        const value = xmlText(match[2] ?? match[3]);
        if (match[1] === 'xmlns' || match[1].startsWith('xmlns:')) {
            if (prefixes === parent.prefixes) prefixes = Object.create(prefixes);
            prefixes[match[1].slice(6)] = value;
        } else {
            Object.defineProperty(attributes, match[1], { value, writable: true, enumerable: true, configurable: true });
        }
    }
    XML_TAG_END.lastIndex = at;
    const end = XML_TAG_END.exec(text) ?? fail(`<${tag}> is not written as XML`, begin);
    const [prefix, name] = splitName(tag);
    const element = { tag, name, ns: prefixes[prefix] ?? '', attributes, children: [], text: '', prefixes };
    parent.children.push(element);
    if (end[1] === '') {
        if (open.length >= XML_DEPTH_MAX) fail('elements are nested too deeply', begin);
        open.push(element);
    }
    return XML_TAG_END.lastIndex;
}

function childrenOf(element, name) {
    return element.children.filter((child) => child.name === name);
}

function childOf(element, name) {
    return element.children.find((child) => child.name === name);
}
