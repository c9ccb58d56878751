// The `soap` module: a client made from a WSDL. Requests leave as those of nango.uncontrolledFetch do, under the same policy.

const SOAP11 = 'http://schemas.xmlsoap.org/soap/envelope/';
const SOAP12 = 'http://www.w3.org/2003/05/soap-envelope';
const WSSE = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd';
const WSU = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd';
const WSS_TOKEN = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0#';
const WSS_BASE64 = 'http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary';

class BasicAuthSecurity {
    constructor(username, password) {
        this._username = username;
        this._password = password;
    }

    addHeaders(headers) {
        headers.Authorization = `Basic ${Buffer.from(`${this._username}:${this._password}`).toString('base64')}`;
    }

    toXML() {
        return '';
    }
}

class BearerSecurity {
    constructor(token) {
        this._token = token;
    }

    addHeaders(headers) {
        headers.Authorization = `Bearer ${this._token}`;
    }

    toXML() {
        return '';
    }
}

class WSSecurity {
    constructor(username, password, options) {
        const given = typeof options === 'string' ? { passwordType: options } : (options ?? {});
        this._username = username;
        this._password = password;
        this._options = { hasTimeStamp: true, hasTokenCreated: true, ...given, passwordType: given.passwordType === 'PasswordDigest' ? 'PasswordDigest' : 'PasswordText' };
    }

    toXML() {
        const options = this._options;
        const moment = (ms) => `${new Date(ms).toISOString().slice(0, 19)}Z`;
        const now = Date.now();
        const created = moment(now);
        const isDigest = options.passwordType === 'PasswordDigest';
        const nonce = isDigest || options.hasNonce ? randomBytes(16) : undefined;
        const password = isDigest ? crypto.createHash('sha1').update(Buffer.concat([nonce, Buffer.from(created), Buffer.from(String(this._password))])).digest('base64') : escapeXml(this._password ?? '');
        const envelope = options.envelopeKey ?? 'soap';
        const attributes = `${options.actor ? ` ${envelope}:actor="${escapeXml(options.actor)}"` : ''}${options.mustUnderstand ? ` ${envelope}:mustUnderstand="1"` : ''}`;
        return [
            `<wsse:Security${attributes} xmlns:wsse="${WSSE}" xmlns:wsu="${WSU}">`,
            options.hasTimeStamp ? `<wsu:Timestamp wsu:Id="Timestamp-${created}"><wsu:Created>${created}</wsu:Created><wsu:Expires>${moment(now + 600_000)}</wsu:Expires></wsu:Timestamp>` : '',
            `<wsse:UsernameToken wsu:Id="SecurityToken-${created}"><wsse:Username>${escapeXml(this._username)}</wsse:Username>`,
            `<wsse:Password Type="${WSS_TOKEN}${options.passwordType}">${password}</wsse:Password>`,
            nonce === undefined ? '' : `<wsse:Nonce EncodingType="${WSS_BASE64}">${nonce.toString('base64')}</wsse:Nonce>`,
            options.hasTokenCreated || isDigest ? `<wsu:Created>${created}</wsu:Created>` : '',
            `</wsse:UsernameToken>${options.appendElement ?? ''}</wsse:Security>`
        ].join('');
    }
}

function refusedSecurity(name) {
    return class {
        constructor() {
            throw new Error(`soap.${name} is not available: functions have no client certificates and no connections of their own; use BasicAuthSecurity, BearerSecurity or WSSecurity`);
        }
    };
}

class SoapClient {
    constructor(wsdl, endpoint, options) {
        const state = { wsdl, endpoint, options, security: null, headers: [], httpHeaders: {}, bodyAttributes: [], listeners: new Map() };
        Object.defineProperty(this, '_state', { value: state });
        this.wsdl = { options, services: Object.fromEntries(wsdl.services.map((service) => [service.name, service])) };
        this.lastRequest = undefined;
        this.lastMessage = undefined;
        this.lastEndpoint = undefined;
        this.lastResponse = undefined;
        this.lastResponseHeaders = undefined;
        this.lastRequestHeaders = undefined;
        const suffix = options.overridePromiseSuffix ?? 'Async';
        for (const service of wsdl.services) {
            this[service.name] = {};
            for (const port of service.ports) {
                const binding = port.binding && wsdl.bindings.get(`${port.binding.ns}|${port.binding.name}`);
                if (binding?.version === undefined) continue;
                const ports = (this[service.name][port.name] = {});
                for (const [name, operation] of operationsOf(wsdl, binding)) {
                    const call = (args, options_, headers) => callSoap(this, { ...operation, name, address: port.address, version: binding.version }, args, options_, headers);
                    const method = withCallback(call);
                    for (const target of [ports, this]) {
                        for (const alias of options.normalizeNames ? [name.replace(/[^a-z$_0-9]/gi, '_')] : [name]) {
                            if (target === this && Object.hasOwn(this, alias)) continue;
                            target[alias] = method;
                            target[`${alias}${suffix}`] = call;
                        }
                    }
                }
            }
        }
    }

    describe() {
        const { wsdl } = this._state;
        const all = {};
        for (const service of wsdl.services) {
            const ports = (all[service.name] = {});
            for (const port of service.ports) {
                const binding = port.binding && wsdl.bindings.get(`${port.binding.ns}|${port.binding.name}`);
                if (binding?.version === undefined) continue;
                ports[port.name] = {};
                for (const [name, operation] of operationsOf(wsdl, binding)) {
                    ports[port.name][name] = { input: describeParts(wsdl, operation.input), output: describeParts(wsdl, operation.output) };
                }
            }
        }
        return all;
    }

    setSecurity(security) {
        this._state.security = security;
    }

    setEndpoint(endpoint) {
        this._state.endpoint = endpoint;
    }

    addSoapHeader(header, name, namespace, xmlns) {
        return this._state.headers.push({ header, name, namespace, xmlns }) - 1;
    }

    changeSoapHeader(index, header, name, namespace, xmlns) {
        this._state.headers[index] = { header, name, namespace, xmlns };
    }

    getSoapHeaders() {
        return this._state.headers.map(({ header }) => header);
    }

    clearSoapHeaders() {
        this._state.headers = [];
    }

    addHttpHeader(name, value) {
        this._state.httpHeaders[name] = value;
    }

    getHttpHeaders() {
        return this._state.httpHeaders;
    }

    clearHttpHeaders() {
        this._state.httpHeaders = {};
    }

    addBodyAttribute(attribute) {
        const text = isPlain(attribute) ? Object.entries(attribute).map(([name, value]) => `${name}="${escapeXml(value)}"`).join(' ') : String(attribute);
        this._state.bodyAttributes.push(text);
    }

    getBodyAttributes() {
        return this._state.bodyAttributes;
    }

    clearBodyAttributes() {
        this._state.bodyAttributes = [];
    }

    on(event, listener) {
        const { listeners } = this._state;
        listeners.set(event, [...(listeners.get(event) ?? []), listener]);
        return this;
    }

    emit(event, ...args) {
        const found = this._state.listeners.get(event) ?? [];
        for (const listener of found) listener.apply(this, args);
        return found.length > 0;
    }
}

function operationsOf(wsdl, binding) {
    const types = (binding.type && wsdl.portTypes.get(`${binding.type.ns}|${binding.type.name}`)) ?? new Map();
    const message = (name) => (name === undefined ? undefined : (wsdl.messages.get(`${name.ns}|${name.name}`) ?? []));
    return Array.from(types, ([name, type]) => [name, { action: '', style: 'document', ...binding.operations.get(name), input: message(type.input), output: message(type.output) }]);
}

function describeParts(wsdl, parts) {
    const described = {};
    for (const part of parts ?? []) {
        const whole = wsdl.describe(partDeclaration(wsdl, part));
        if (part.element !== undefined && isPlain(whole)) Object.assign(described, whole);
        else described[part.element?.name ?? part.name] = whole;
    }
    return described;
}

function partDeclaration(wsdl, part) {
    if (part.element === undefined) return wsdl.typed(part.name, part.type);
    return wsdl.element(part.element) ?? { ...wsdl.typed(part.element.name, undefined), ns: part.element.ns, isQualified: true };
}

// `Method(args, callback, options, headers)`
function withCallback(call) {
    return (...given) => {
        const at = given.findIndex((one) => typeof one === 'function');
        if (at < 0) throw new Error('A SOAP method without a callback answers nothing; call the method whose name ends with Async');
        const callback = given[at];
        const [args] = at === 0 ? [undefined] : given;
        call(args, ...given.slice(at + 1)).then(
            (answer) => callback(null, ...answer),
            (error) => callback(error, error.root?.Envelope?.Body, error.body)
        );
    };
}

function soapBody(writer, operation, args, attributes) {
    const parts = (operation.input ?? []).filter((part) => operation.parts === undefined || operation.parts.length === 0 || operation.parts.includes(part.name));
    if (typeof args === 'string') return args;
    const value = args ?? {};
    const extra = attributes.length > 0 ? ` ${attributes.join(' ')}` : '';
    if (operation.style === 'rpc') {
        const prefix = writer.prefix(operation.namespace ?? writer.wsdl.targetNamespace);
        const inner = Object.entries(value).filter(([name]) => name !== writer.keys.attributes).map(([name, item]) => {
            const part = parts.find((one) => one.name === name);
            return writer.element(part && { ...partDeclaration(writer.wsdl, part), name, isQualified: false }, name, item, '');
        });
        return `<${prefix}${operation.name}${writer.attributes(value)}${extra}>${inner.join('')}</${prefix}${operation.name}>`;
    }
    if (parts.length === 0) return '';
    const declaration = partDeclaration(writer.wsdl, parts[0]);
    const prefix = writer.prefix(declaration.ns);
    return `<${prefix}${declaration.name}${writer.attributes(value)}${extra}>${writer.content(declaration, value, declaration.schema?.isQualified ? prefix : '')}</${prefix}${declaration.name}>`;
}

function soapHeaders(writer, state, operation, args) {
    return state.headers.map(({ header, name, namespace, xmlns }) => {
        const made = typeof header === 'function' ? header(operation.name, args) : header;
        if (typeof made === 'string') return made;
        if (!isPlain(made)) return '';
        if (name !== undefined) {
            const tag = namespace ? `${namespace}:${name}` : name;
            return `<${tag}${xmlns ? ` xmlns${namespace ? `:${namespace}` : ''}="${escapeXml(xmlns)}"` : ''}>${writer.content(undefined, made, namespace ? `${namespace}:` : '')}</${tag}>`;
        }
        return Object.entries(made).map(([key, value]) => {
            const found = [...writer.wsdl.elements.values()].find((node) => node.attributes.name === key);
            return writer.element(found && writer.wsdl.element({ ns: writer.wsdl.schemas.get(found).target, name: key }), key, value, '');
        }).join('');
    }).join('');
}

async function callSoap(client, operation, args, options = {}, extraHeaders = {}) {
    const state = client._state;
    const settings = { ...state.options };
    const isNew = operation.version === '1.2' || settings.forceSoap12Headers === true;
    const writer = new SoapWriter(state.wsdl, settings);
    const key = settings.envelopeKey ?? 'soap';
    const body = soapBody(writer, operation, args, state.bodyAttributes);
    const header = `${soapHeaders(writer, state, operation, args)}${state.security?.toXML?.() ?? ''}`;
    let xml = `<?xml version="1.0" encoding="utf-8"?><${key}:Envelope xmlns:${key}="${isNew ? SOAP12 : SOAP11}" xmlns:xsi="${XSI}"${writer.namespaces()}>${header === '' ? '' : `<${key}:Header>${header}</${key}:Header>`}<${key}:Body>${body}</${key}:Body></${key}:Envelope>`;
    if (typeof options.postProcess === 'function') xml = options.postProcess(xml);
    const endpoint = state.endpoint ?? operation.address;
    if (!endpoint) throw new Error('The WSDL names no address; call client.setEndpoint(url) or give `endpoint` with the options');
    const headers = isNew
        ? { 'Content-Type': `application/soap+xml; charset=utf-8; action="${operation.action}"` }
        : { 'Content-Type': 'text/xml; charset=utf-8', SOAPAction: `"${operation.action}"` };
    Object.assign(headers, state.httpHeaders, extraHeaders);
    state.security?.addHeaders?.(headers);
    Object.assign(client, { lastMessage: body, lastRequest: xml, lastEndpoint: endpoint, lastRequestHeaders: headers });
    client.emit('message', body, undefined);
    client.emit('request', xml, undefined);
    const response = await fetchPlainly({ url: endpoint, method: 'POST', headers, body: xml });
    const text = await response.text();
    Object.assign(client, { lastResponse: text, lastResponseHeaders: Object.fromEntries(response.headers) });
    client.emit('response', text, { statusCode: response.status, headers: client.lastResponseHeaders }, undefined);
    return readAnswer(client, operation, settings, response, text, xml);
}

function readAnswer(client, operation, settings, response, text, xml) {
    const shown = { status: response.status, statusCode: response.status, statusText: response.statusText, headers: client.lastResponseHeaders, data: text, body: text };
    const fail = (error) => {
        Object.assign(error, { response: shown, body: text });
        client.emit('soapError', error, undefined);
        throw error;
    };
    let envelope;
    try {
        envelope = parseXml(multipartRoot(text, response.headers.get('content-type')));
    } catch (error) {
        if (text.trim() === '' && response.ok) return [null, text, undefined, xml, undefined];
        fail(new Error(response.ok ? `Cannot parse response: ${error.message}` : `Error http status codes: ${response.status}`));
    }
    const reader = new SoapReader(client._state.wsdl, settings);
    const part = (name) => (envelope.name === 'Envelope' ? childOf(envelope, name) : undefined);
    const body = part('Body');
    if (body === undefined) fail(new Error('Cannot parse response: there is no SOAP envelope'));
    const header = part('Header') === undefined ? undefined : reader.value(part('Header'), undefined);
    const fault = childOf(body, 'Fault');
    if (fault !== undefined) {
        if (settings.returnFault) return [reader.value(body, undefined), text, header, xml, undefined];
        fail(faultError(reader, fault, header));
    }
    if (operation.output === undefined) return [null, text, header, xml, undefined];
    const element = body.children[0];
    if (element === undefined) return [null, text, header, xml, undefined];
    return [reader.value(element, resultDeclaration(client._state.wsdl, operation, element)), text, header, xml, undefined];
}

function resultDeclaration(wsdl, operation, element) {
    if (operation.style !== 'rpc') return wsdl.element({ ns: element.ns, name: element.name }) ?? (operation.output[0] && partDeclaration(wsdl, operation.output[0]));
    // The wrapper of RPC has the parts of the message as its members.
    const type = { name: 'complexType', attributes: {}, children: [], prefixes: Object.create(null) };
    const wrapper = { name: element.name, ns: element.ns, isQualified: true, isMany: false, schema: { target: '', isQualified: false }, node: { name: 'element', attributes: {}, children: [type], prefixes: type.prefixes } };
    wsdl.particles.set(type, new Map(operation.output.map((part) => [part.name, { ...partDeclaration(wsdl, part), name: part.name, isMany: false }])));
    return wrapper;
}

function faultError(reader, fault, header) {
    const value = reader.value(fault, undefined);
    const plain = (one) => (isPlain(one) && '$value' in one ? one.$value : one);
    const code = plain(value?.faultcode) ?? plain(value?.Code?.Value);
    const string = plain(value?.faultstring) ?? plain(value?.Reason?.Text);
    const detail = plain(value?.detail) ?? plain(value?.Detail);
    const error = new Error(`${code}: ${string}${detail ? `: ${JSON.stringify(detail)}` : ''}`);
    error.root = { Envelope: { ...(header === undefined ? {} : { Header: header }), Body: { Fault: value } } };
    error.Fault = value;
    return error;
}

// The first part of an answer with attachments (MTOM).
function multipartRoot(text, type) {
    const boundary = /^multipart\/related/i.test(type ?? '') ? /boundary="?([^";]+)"?/i.exec(type)?.[1] : undefined;
    if (boundary === undefined) return text;
    const first = text.split(`--${boundary}`)[1] ?? '';
    const at = first.search(/\r?\n\r?\n/);
    return at < 0 ? first : first.slice(at).trim();
}

async function loadWsdlText(url, options) {
    const response = await fetchPlainly({ url, headers: options.wsdl_headers });
    const text = await response.text();
    if (!response.ok) throw new Error(`Unexpected server response: ${response.status} when loading the WSDL from ${url}`);
    return text;
}

async function createClientAsync(source, options, endpoint) {
    const settings = { ...(isPlain(options) ? options : {}) };
    const wsdl = new Wsdl();
    const load = (url) => loadWsdlText(url, settings);
    const text = String(source);
    if (/^\s*</.test(text)) await wsdl.read('', text, load);
    else if (/^https?:\/\//i.test(text)) await wsdl.read(text, await load(text), load);
    else throw new Error(`soap.createClient needs the address of a WSDL (https://…) or its text; functions have no files: ${text.slice(0, 200)}`);
    return new SoapClient(wsdl, endpoint ?? settings.endpoint, settings);
}

function createClient(source, ...rest) {
    const at = rest.findIndex((one) => typeof one === 'function');
    if (at < 0) throw new Error('soap.createClient without a callback answers nothing; use soap.createClientAsync');
    const callback = rest[at];
    createClientAsync(source, at === 0 ? {} : rest[0], rest[at + 1]).then(
        (client) => callback(null, client),
        (error) => callback(error)
    );
}

const soapModule = {
    createClient,
    createClientAsync,
    Client: SoapClient,
    BasicAuthSecurity,
    BearerSecurity,
    WSSecurity,
    listen: () => {
        throw new Error('soap.listen is not available: functions cannot serve');
    }
};
for (const name of ['ClientSSLSecurity', 'ClientSSLSecurityPFX', 'NTLMSecurity', 'WSSecurityCert', 'WSSecurityPlusCert', 'WSSecurityCertWithToken']) soapModule[name] = refusedSecurity(name);
