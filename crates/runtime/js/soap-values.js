// Values of functions as XML and back, under the types of a WSDL.

const XSI = 'http://www.w3.org/2001/XMLSchema-instance';

// Writes values as XML under a declaration of the schema.
class SoapWriter {
    constructor(wsdl, options) {
        this.wsdl = wsdl;
        this.keys = { attributes: options.attributesKey ?? 'attributes', value: options.valueKey ?? '$value', xml: options.xmlKey ?? '$xml' };
        this.prefixes = new Map();
    }

    prefix(ns) {
        if (ns === '') return '';
        if (!this.prefixes.has(ns)) this.prefixes.set(ns, ns === this.wsdl.targetNamespace ? 'tns' : `ns${this.prefixes.size + 1}`);
        return `${this.prefixes.get(ns)}:`;
    }

    // One element, or several for a list.
    element(declaration, name, value, parent) {
        if (Array.isArray(value)) return value.map((item) => this.element(declaration, name, item, parent)).join('');
        if (value === undefined || typeof value === 'function') return '';
        // A name with a prefix is taken as it is, as `:Name` is without one.
        let tag = name.startsWith(':') ? name.slice(1) : name;
        if (!name.includes(':')) tag = `${declaration !== undefined ? (declaration.isQualified ? this.prefix(declaration.ns) : '') : parent}${name}`;
        const inner = declaration?.isQualified ? this.prefix(declaration.ns) : parent;
        if (value === null) return `<${tag} xsi:nil="true"/>`;
        const attributes = this.attributes(value);
        return `<${tag}${attributes}>${this.content(declaration, value, inner)}</${tag}>`;
    }

    attributes(value) {
        const given = isPlain(value) ? value[this.keys.attributes] : undefined;
        if (!isPlain(given)) return '';
        return Object.entries(given).filter(([, item]) => item !== undefined && item !== null).map(([name, item]) => ` ${name}="${escapeXml(item)}"`).join('');
    }

    content(declaration, value, parent) {
        if (value instanceof Date) return value.toISOString();
        if (isBytes(value)) return Buffer.from(viewOf(value)).toString('base64');
        if (typeof value !== 'object') return escapeXml(value);
        const members = declaration && this.wsdl.members(declaration);
        let text = '';
        for (const [name, item] of Object.entries(value)) {
            if (name === this.keys.attributes) continue;
            if (name === this.keys.xml) text += String(item);
            else if (name === this.keys.value) text += item === undefined || item === null ? '' : this.content(undefined, item, parent);
            else text += this.element(members?.get(name) ?? members?.get(splitName(name)[1]), name, item, parent);
        }
        return text;
    }

    namespaces() {
        return Array.from(this.prefixes, ([ns, prefix]) => ` xmlns:${prefix}="${escapeXml(ns)}"`).join('');
    }
}

// Reads elements as values under a declaration of the schema.
class SoapReader {
    constructor(wsdl, options) {
        this.wsdl = wsdl;
        this.options = options;
        this.keys = { attributes: options.attributesKey ?? 'attributes', value: options.valueKey ?? '$value' };
    }

    value(element, declaration) {
        const type = declaration && this.wsdl.typeOf(this.actual(element, declaration));
        const attributes = Object.entries(element.attributes);
        const isNil = attributes.some(([name, value]) => splitName(name)[1] === 'nil' && qualified(element, name).ns === XSI && (value === 'true' || value === '1'));
        if (isNil) return this.options.handleNilAsNull ? null : undefined;
        const result = attributes.length > 0 ? { [this.keys.attributes]: Object.fromEntries(attributes) } : {};
        const text = this.options.preserveWhitespace ? element.text : element.text.trim();
        if (element.children.length === 0 && text !== '') {
            const value = this.text(text, type);
            if (attributes.length === 0) return value;
            result[this.keys.value] = value;
            return result;
        }
        const members = type?.node && this.wsdl.particlesOf(type);
        for (const child of element.children) this.add(result, child, members?.get(child.name));
        return Object.keys(result).length === 0 ? null : result;
    }

    // `xsi:type` names a type that extends the declared one.
    actual(element, declaration) {
        const named = Object.entries(element.attributes).find(([name]) => splitName(name)[1] === 'type' && qualified(element, name).ns === XSI);
        const type = named && qualified(element, named[1]);
        if (type === undefined || this.wsdl.typeNamed(type).node === undefined) return declaration;
        return { ...this.wsdl.typed(declaration.name, type), schema: declaration.schema };
    }

    add(target, child, declaration) {
        const value = this.value(child, declaration);
        if (value === undefined) return;
        const name = child.name;
        const has = Object.hasOwn(target, name);
        let next = value;
        if (has) next = Array.isArray(target[name]) ? [...target[name], value] : [target[name], value];
        else if (declaration?.isMany) next = [value];
        Object.defineProperty(target, name, { value: next, writable: true, enumerable: true, configurable: true });
    }

    text(text, type) {
        const name = type === undefined ? 'string' : this.wsdl.simpleName(type);
        const custom = this.options.customDeserializer?.[name];
        if (custom !== undefined) return custom(text);
        if (name === 'int' || name === 'integer' || name === 'short' || name === 'long') return parseInt(text, 10);
        if (name === 'double' || name === 'float' || name === 'decimal') return Number(text);
        if (name === 'boolean' || name === 'bool') return text.toLowerCase() === 'true' || text === '1';
        if (name === 'dateTime' || name === 'date') return new Date(text);
        return text;
    }
}
