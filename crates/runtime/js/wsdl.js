// What a WSDL says: services, operations and the types of their messages.

const WSDL_DOCUMENTS_MAX = 100;
const XSD = 'http://www.w3.org/2001/XMLSchema';
const WSDL_SOAP11 = 'http://schemas.xmlsoap.org/wsdl/soap/';
const WSDL_SOAP12 = 'http://schemas.xmlsoap.org/wsdl/soap12/';

class Wsdl {
    constructor() {
        this.messages = new Map();
        this.portTypes = new Map();
        this.bindings = new Map();
        this.services = [];
        this.elements = new Map();
        this.types = new Map();
        this.groups = new Map();
        this.schemas = new WeakMap();
        this.particles = new WeakMap();
        this.targetNamespace = '';
    }

    // Reads the document at `location` and those it imports, each once.
    async read(location, text, load, seen = new Set()) {
        if (seen.has(location)) return;
        seen.add(location);
        if (seen.size > WSDL_DOCUMENTS_MAX) throw new Error(`The WSDL consists of more than ${WSDL_DOCUMENTS_MAX} documents`);
        const document = parseXml(text);
        const further = [];
        if (document.name === 'definitions') this.addDefinitions(document, further);
        else if (document.name === 'schema') this.addSchema(document, further);
        else throw new Error(`Unexpected root element of WSDL or include: <${document.tag}>`);
        for (const { reference, namespace } of further) {
            const next = resolveLocation(location, reference);
            if (!seen.has(next)) await this.readPart(next, namespace, load, seen);
        }
    }

    async readPart(location, namespace, load, seen) {
        const text = await load(location);
        if (namespace === undefined) return this.read(location, text, load, seen);
        // An included schema without a target namespace takes that of the including one.
        this.inherited = namespace;
        try {
            await this.read(location, text, load, seen);
        } finally {
            this.inherited = undefined;
        }
    }

    addDefinitions(document, further) {
        const target = document.attributes.targetNamespace ?? '';
        this.targetNamespace ||= target;
        const key = (element) => `${target}|${element.attributes.name}`;
        for (const child of document.children) {
            switch (child.name) {
                case 'import':
                    if (child.attributes.location) further.push({ reference: child.attributes.location });
                    break;
                case 'types':
                    for (const schema of childrenOf(child, 'schema')) this.addSchema(schema, further);
                    break;
                case 'message':
                    this.messages.set(key(child), childrenOf(child, 'part').map((part) => ({ name: part.attributes.name, element: qualified(part, part.attributes.element), type: qualified(part, part.attributes.type) })));
                    break;
                case 'portType':
                    this.portTypes.set(key(child), new Map(childrenOf(child, 'operation').map((operation) => [operation.attributes.name, { input: messageOf(operation, 'input'), output: messageOf(operation, 'output') }])));
                    break;
                case 'binding':
                    this.bindings.set(key(child), readBinding(child));
                    break;
                case 'service':
                    this.services.push({ name: child.attributes.name, ports: childrenOf(child, 'port').map((port) => ({ name: port.attributes.name, binding: qualified(port, port.attributes.binding), address: childOf(port, 'address')?.attributes.location })) });
                    break;
                default:
            }
        }
    }

    addSchema(schema, further) {
        const target = schema.attributes.targetNamespace ?? this.inherited ?? '';
        const info = { target, isQualified: schema.attributes.elementFormDefault === 'qualified' };
        for (const child of schema.children) {
            const key = `${target}|${child.attributes.name}`;
            this.schemas.set(child, info);
            if (child.name === 'element') this.elements.set(key, child);
            else if (child.name === 'complexType' || child.name === 'simpleType') this.types.set(key, child);
            else if (child.name === 'group') this.groups.set(key, child);
            else if ((child.name === 'import' || child.name === 'include') && child.attributes.schemaLocation) {
                further.push({ reference: child.attributes.schemaLocation, namespace: child.name === 'include' ? target : undefined });
            }
        }
    }

    element(name) {
        const node = name && this.elements.get(`${name.ns}|${name.name}`);
        return node && this.declaration(node, this.schemas.get(node), true);
    }

    // An element with everything that writing and reading it needs.
    declaration(node, schema, isTop) {
        const { attributes } = node;
        if (attributes.ref !== undefined) {
            const found = this.element(qualified(node, attributes.ref)) ?? { name: splitName(attributes.ref)[1], ns: qualified(node, attributes.ref).ns, isQualified: true, node, schema };
            return { ...found, isMany: isMany(node) };
        }
        const isQualified = isTop || (attributes.form === undefined ? schema.isQualified : attributes.form === 'qualified');
        return { name: attributes.name, ns: schema.target, isQualified, isMany: isMany(node), node, schema };
    }

    // A part of a message that names a type.
    typed(name, type) {
        const node = { name: 'element', attributes: { name }, children: [], prefixes: Object.create(null) };
        return { name, ns: '', isQualified: false, isMany: false, node, schema: { target: '', isQualified: false }, type };
    }

    // The type's node and its schema, or the name of a type of XML Schema.
    typeOf(declaration) {
        const { node } = declaration;
        const inline = node.children.find((child) => child.name === 'complexType' || child.name === 'simpleType');
        if (inline !== undefined) return { node: inline, schema: declaration.schema };
        const name = declaration.type ?? qualified(node, node.attributes.type);
        return name === undefined ? { simple: 'anyType' } : this.typeNamed(name);
    }

    typeNamed(name) {
        if (name.ns === XSD) return { simple: name.name };
        const node = this.types.get(`${name.ns}|${name.name}`);
        return node === undefined ? { simple: 'anyType' } : { node, schema: this.schemas.get(node) };
    }

    // The type of XML Schema that a simple type, or the text of a complex one, is made from.
    simpleName(type) {
        for (let depth = 0; depth < 32; depth++) {
            if (type.simple !== undefined) return type.simple;
            const content = childOf(type.node, 'simpleContent') ?? type.node;
            const from = content.children.find((child) => child.name === 'restriction' || child.name === 'extension');
            const base = from && qualified(from, from.attributes.base);
            if (base === undefined) return 'string';
            type = this.typeNamed(base);
        }
        return 'string';
    }

    // The elements that may be inside of this one, by name.
    members(declaration) {
        const type = this.typeOf(declaration);
        if (type.node === undefined) return undefined;
        return this.particlesOf(type);
    }

    particlesOf(type) {
        let known = this.particles.get(type.node);
        if (known === undefined) {
            known = new Map();
            this.particles.set(type.node, known);
            this.collect(type.node, type.schema, known, 0);
        }
        return known;
    }

    collect(node, schema, found, depth) {
        if (depth > 64) return;
        for (const child of node.children) {
            switch (child.name) {
                case 'element': {
                    const declaration = this.declaration(child, schema, false);
                    if (!found.has(declaration.name)) found.set(declaration.name, { ...declaration, isMany: declaration.isMany || isMany(node) });
                    break;
                }
                case 'extension': {
                    const base = qualified(child, child.attributes.base);
                    const type = base && this.typeNamed(base);
                    if (type?.node !== undefined) for (const [name, declaration] of this.particlesOf(type)) found.set(name, declaration);
                    this.collect(child, schema, found, depth + 1);
                    break;
                }
                case 'group': {
                    const name = child.attributes.ref && qualified(child, child.attributes.ref);
                    const group = name && this.groups.get(`${name.ns}|${name.name}`);
                    if (group !== undefined) this.collect(group, this.schemas.get(group), found, depth + 1);
                    break;
                }
                case 'sequence':
                case 'choice':
                case 'all':
                case 'complexContent':
                case 'restriction':
                    this.collect(child, schema, found, depth + 1);
                    break;
                default:
            }
        }
    }

    describe(declaration, above = []) {
        const members = this.members(declaration);
        const type = this.typeOf(declaration);
        if (members === undefined || members.size === 0) return `xs:${this.simpleName(type)}`;
        if (above.includes(type.node)) return '[recursive]';
        const described = {};
        for (const member of members.values()) described[`${member.name}${member.isMany ? '[]' : ''}`] = this.describe(member, [...above, type.node]);
        return described;
    }
}

function isMany(node) {
    const most = node.attributes.maxOccurs;
    return most === 'unbounded' || Number(most) > 1;
}

function qualified(element, name) {
    if (name === undefined) return undefined;
    const [prefix, local] = splitName(name);
    return { ns: element.prefixes[prefix] ?? '', name: local };
}

function messageOf(operation, direction) {
    const found = childOf(operation, direction);
    return found && qualified(found, found.attributes.message);
}

function readBinding(binding) {
    const of = (element, name) => element.children.find((child) => child.name === name && (child.ns === WSDL_SOAP11 || child.ns === WSDL_SOAP12));
    const soap = of(binding, 'binding');
    const operations = new Map();
    for (const operation of childrenOf(binding, 'operation')) {
        const described = of(operation, 'operation');
        const input = childOf(operation, 'input');
        const body = input && of(input, 'body');
        operations.set(operation.attributes.name, {
            action: described?.attributes.soapAction ?? '',
            style: described?.attributes.style ?? soap?.attributes.style ?? 'document',
            namespace: body?.attributes.namespace,
            parts: body?.attributes.parts?.split(/\s+/).filter(Boolean)
        });
    }
    return { type: qualified(binding, binding.attributes.type), version: soap === undefined ? undefined : soap.ns === WSDL_SOAP12 ? '1.2' : '1.1', operations };
}

function resolveLocation(base, reference) {
    try {
        return new URL(reference, /^https?:/.test(base) ? base : undefined).href;
    } catch {
        throw new Error(`The WSDL refers to '${reference}', which cannot be found without an address of the WSDL itself`);
    }
}
