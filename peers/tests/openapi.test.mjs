// The description of the API: valid, complete in itself, true in its examples, and what the server hands out.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { after, before, test } from 'node:test';
import { Validator } from '@seriousme/openapi-schema-validator';
import { readRepositoryFile, startServer } from '../support/server.mjs';

// The JSON Schema validator that the one for documents brings along.
const ajv = createRequire(import.meta.resolve('@seriousme/openapi-schema-validator'));
const Ajv2020 = ajv('ajv/dist/2020.js').default;
const addFormats = ajv('ajv-formats').default;

let text;
let document;
let operations;
let server;

before(async () => {
    text = await readRepositoryFile('crates/api/openapi.json');
    document = JSON.parse(text);
    operations = Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item).map(([method, operation]) => ({ path, method, ...operation })));
    server = await startServer();
});

after(() => server?.stop());

const resolve = (value) => (value?.$ref ? value.$ref.slice(2).split('/').reduce((at, part) => at[part], document) : value);

test('is a valid OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    const result = await validator.validate(structuredClone(document));
    assert.deepEqual(result, { valid: true });
    assert.equal(validator.version, '3.1');
});

test('names its operations once and declares its parameters', () => {
    const ids = operations.map((one) => one.operationId);
    assert.equal(new Set(ids).size, ids.length);
    for (const { path, method, parameters = [] } of operations) {
        const wanted = [...path.matchAll(/\{(\w+)\}/g)].map((found) => found[1]).sort();
        const declared = parameters.map(resolve).filter((one) => one.in === 'path').map((one) => one.name).sort();
        assert.deepEqual(declared, wanted, `${method} ${path}`);
    }
});

test('refers only to what exists and keeps nothing that nobody refers to', () => {
    const refs = new Set([...text.matchAll(/"\$ref": "#\/([^"]+)"/g)].map((found) => found[1]));
    for (const ref of refs) assert.ok(resolve({ $ref: `#/${ref}` }), ref);
    for (const [kind, parts] of Object.entries(document.components)) {
        if (kind === 'securitySchemes') continue;
        for (const name of Object.keys(parts)) assert.ok(refs.has(`components/${kind}/${name}`), `${kind}/${name} is unused`);
    }
});

test('says what missing credentials and too much of a body lead to', () => {
    for (const { path, method, security, responses, requestBody } of operations) {
        const where = `${method} ${path}`;
        assert.ok(Array.isArray(security), `${where}: security`);
        if (security.length) assert.ok(responses['401'], `${where}: 401`);
        if (requestBody) assert.ok(responses['413'], `${where}: 413`);
        assert.ok(responses.default, `${where}: default`);
    }
});

test('examples fit their schemas', () => {
    const validator = addFormats(new Ajv2020({ strict: false, allErrors: true }));
    validator.addSchema({ $id: 'api', components: document.components });
    const absolute = (value) => JSON.parse(JSON.stringify(value).replaceAll('"#/components/', '"api#/components/'));
    let seen = 0;
    for (const { path, method, responses, requestBody } of operations) {
        const holders = [requestBody, ...Object.values(responses)].map(resolve).filter(Boolean);
        for (const { schema, example } of holders.flatMap((one) => Object.values(one.content ?? {}))) {
            if (example === undefined) continue;
            seen += 1;
            const fits = validator.compile(absolute(schema));
            assert.ok(fits(example), `${method} ${path}: ${validator.errorsText(fits.errors)}`);
        }
    }
    assert.ok(seen > 60, `${seen} examples`);
});

test('the server hands it out', async () => {
    const answer = await fetch(`${server.url}/openapi.json`);
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get('content-type'), /^application\/json/);
    assert.equal(await answer.text(), text);
});
