// The test kit: stand-ins for `nango` that answer from a recorded fixture. Loaded by tests that Vitest runs.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { vi } from 'vitest';

import { findFixture } from './test-fixtures.js';
import { olderPages, pages } from './test-paginate.js';

/** How the lists of each provider are paged, `null` where it is not known; written by `tenon init`. */
const PAGINATION = new URL('./pagination.json', import.meta.url);

class ActionError extends Error {
    constructor(payload) {
        super();
        this.type = 'action_script_runtime_error';
        if (payload) this.payload = payload;
    }
}

const copy = (value) => (value === undefined ? undefined : structuredClone(value));

let providers;

/** The defaults of the provider that the integration is called after: `github`, or `github-ours` too. */
function defaultsOf(integration) {
    providers ??= existsSync(PAGINATION) ? JSON.parse(readFileSync(PAGINATION, 'utf8')) : {};
    let name = integration;
    while (!Object.hasOwn(providers, name) && name.includes('-')) name = name.slice(0, name.lastIndexOf('-'));
    return Object.hasOwn(providers, name) ? (providers[name] ?? undefined) : undefined;
}

/** What an action is given. Every method is a spy. */
export class NangoActionMock {
    constructor({ dirname, name, Model }) {
        const fixture = findFixture(dirname, name);
        const given = (member, value) => {
            if (value === undefined) throw new Error(`${fixture.label} has no ${member}`);
            return value;
        };
        const send = (method) => vi.fn(async (config) => fixture.answer(method, config));

        this.dirname = dirname;
        this.name = name;
        this.Model = Model;
        // Functions that look for it know that they are tested.
        this.fixtureProvider = fixture;
        this.providerConfigKey = path.basename(path.dirname(path.resolve(dirname)));
        this.ActionError = ActionError;
        for (const method of ['get', 'post', 'put', 'patch', 'delete']) this[method] = send(method);
        this.proxy = vi.fn(async (config) => fixture.answer((config.method ?? 'get').toLowerCase(), config));
        const paged = fixture.isOlder ? olderPages : pages;
        this.paginate = vi.fn((config) => paged(config, (request) => this.proxy(request), defaultsOf(this.providerConfigKey)));
        for (const member of ['getConnection', 'getMetadata']) this[member] = vi.fn(async () => given(`nango.${member}`, fixture.canned(member)));
        for (const member of ['updateMetadata', 'trackDeletesStart', 'trackDeletesEnd', 'deleteRecordsFromPreviousExecutions']) {
            this[member] = vi.fn(async () => fixture.canned(member));
        }
        this.getWebhookURL = vi.fn(async () => 'https://example.com/webhook');
        this.zodValidateInput = vi.fn(async ({ input }) => ({ data: input }));
        this.log = vi.fn();

        this.getInput = vi.fn(async () => fixture.value('input'));
        this.getOutput = vi.fn(async () => given('output', fixture.value('output')));
        this.getBatchSaveData = vi.fn(async (model) => fixture.batches('batchSave', model));
        this.getBatchDeleteData = vi.fn(async (model) => fixture.batches('batchDelete', model));
    }
}

/** What a sync is given. */
export class NangoSyncMock extends NangoActionMock {
    constructor(options) {
        super(options);
        let checkpoint = null;
        this.lastSyncDate = null;
        this.batchSave = vi.fn();
        this.batchDelete = vi.fn();
        this.getCheckpoint = vi.fn(async () => copy(checkpoint));
        this.saveCheckpoint = vi.fn(async (saved) => void (checkpoint = copy(saved)));
        this.clearCheckpoint = vi.fn(async () => void (checkpoint = null));
        this.listRecords = vi.fn(async function* () {});
    }
}
