// Recorded fixtures: one file, or in the older form a `mocks` folder with a file per value and per request.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

import { dataOf, hashOf, identityOf, isForm, unanswered } from './test-request.js';

const readJson = (file) => JSON.parse(readFileSync(file, 'utf8'));

function samePairs(recorded, sent) {
    return recorded.length === sent.length && recorded.every(([name, value]) => sent.some(([other, text]) => other === name && text === String(value)));
}

/** A `*.test.json`. */
class Unified {
    isOlder = false;
    #content;

    constructor(file) {
        this.label = path.basename(file);
        this.#content = readJson(file);
    }

    value(name) {
        return this.#content[name];
    }

    canned(member) {
        return this.#content.nango?.[member];
    }

    batches(name, model) {
        return this.canned(name)?.[model];
    }

    answer(method, config) {
        const identity = identityOf(method, config);
        const known = this.#content.api?.[method] ?? {};
        const key = [`/${identity.endpoint}`, identity.endpoint].find((name) => Object.hasOwn(known, name));
        const entries = key === undefined ? [] : [known[key]].flat();
        const found = entries.find(
            (entry) =>
                (entry.hash && entry.hash === hashOf(identity)) ||
                (entry.request ? Unified.#fits(entry.request, identity) : entries.length === 1 && identity.params.length === 0)
        );
        if (!found) throw unanswered(this.label, identity);
        // Not copied, no more than what is canned: an answer that a function changes stays changed.
        return { data: found.response, headers: found.headers, status: found.status };
    }

    static #fits(request, identity) {
        const recorded = Object.entries(request.headers ?? {}).map(([name, value]) => [name.toLowerCase(), String(value)]);
        const sent = identity.headers.map(([name, value]) => [name.toLowerCase(), value]);
        return (
            samePairs(Object.entries(request.params ?? {}), identity.params) &&
            samePairs(recorded.filter(([name, value]) => !isForm(name, value)), sent) &&
            (!('data' in request) || dataOf(request.data) === identity.data)
        );
    }
}

/** Headers that did not count when older fixtures were recorded. */
const OLDER_IGNORED = new Set(['authorization', 'user-agent', 'nango-proxy-user-agent', 'accept-encoding', 'retries', 'host', 'connection-id', 'provider-config-key']);

/** A `mocks` folder. Parameters and headers count as the call has them, before a request was made of it. */
class Older {
    isOlder = true;
    #mocks;
    #name;

    constructor(mocks, name) {
        this.label = `mocks/${name}`;
        this.#mocks = mocks;
        this.#name = name;
    }

    static has(mocks, name) {
        const own = path.join(mocks, name);
        if (!existsSync(own)) return false;
        return ['input', 'output'].some((value) => existsSync(path.join(own, `${value}.json`))) || readdirSync(own).some((model) => existsSync(path.join(own, model, 'batchSave.json')));
    }

    #read(...names) {
        const file = `${path.join(this.#mocks, ...names)}.json`;
        return existsSync(file) ? readJson(file) : undefined;
    }

    value(name) {
        return this.#read(this.#name, name);
    }

    canned(member) {
        return this.#read('nango', member);
    }

    batches(name, model) {
        return this.#read(this.#name, model, name);
    }

    answer(method, config) {
        const identity = identityOf(method, config);
        const recordings = path.join(this.#mocks, 'nango', method, 'proxy');
        const endpoint = path.join(recordings, String(config.endpoint ?? '').replace(/^\/+/, ''));
        const folder = path.join(endpoint, this.#name);
        const isInside = folder.startsWith(recordings + path.sep);
        if (isInside && existsSync(folder)) {
            const files = readdirSync(folder).filter((file) => file.endsWith('.json')).sort();
            const exact = files.find((file) => file === `${hashOf(identity)}.json`);
            const recorded = (exact ? [exact] : files).map((file) => readJson(path.join(folder, file)));
            const found = exact ? recorded[0] : recorded.find(({ requestIdentity }) => Older.#fits(requestIdentity, identity, config));
            if (found) return { data: found.response, headers: found.headers, status: found.status };
        } else if (isInside && existsSync(`${folder}.json`)) {
            return { data: readJson(`${folder}.json`), headers: undefined, status: undefined };
        }
        throw unanswered(this.label, identity);
    }

    static #fits(recorded, identity, { params, headers }) {
        if (!recorded) return false;
        const texts = (pairs) => pairs.map(([name, value]) => [name, String(value ?? null)]);
        const counted = (pairs) => texts(pairs).map(([name, value]) => [name.toLowerCase(), value]).filter(([name]) => !OLDER_IGNORED.has(name));
        const given = typeof params === 'string' ? [] : Object.entries(params ?? {});
        return (
            samePairs(texts(recorded.params ?? []), texts(given)) &&
            samePairs(counted(recorded.headers ?? []), counted(Object.entries(headers ?? {}))) &&
            dataOf(recorded.data) === identity.data
        );
    }
}

/** The fixture of the test file that is running, or else the one called `name`, in the form that there is. */
export function findFixture(dirname, name) {
    const running = /([^/\\]+)\.(?:test|spec)\.[cm]?[jt]sx?\b/.exec(new Error().stack ?? '')?.[1];
    const names = [...new Set([running, name])].filter(Boolean).map((one) => `${one}.test.json`);
    const file = names.map((one) => path.join(dirname, one)).find((one) => existsSync(one));
    if (file) return new Unified(file);
    const mocks = path.resolve(dirname, '..', 'mocks');
    if (name && Older.has(mocks, name)) return new Older(mocks, name);
    throw new Error(`there is no fixture ${names.join(' or ')} in ${dirname}: record one with \`tenon dryrun --save\``);
}
