// A project of the older style, rewritten by `tenon migrate-to-zero-yaml`: its types fit those of the published package, and both
// command lines compile it.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { before, test } from 'node:test';
import { ROOT, binary, temporaryFolder } from '../support/server.mjs';

const BIN = path.join(ROOT, 'peers', 'node_modules', '.bin');

let project;

const FILES = {
    'nango.yaml': `integrations:
  shop:
    syncs:
      orders:
        runs: every 30 minutes
        description: Orders and who placed them.
        output: [Order, Buyer]
        input: Settings
        endpoint: [GET /orders, GET /buyers]
        sync_type: incremental
        webhook-subscriptions: [order.created]
    actions:
      cancel:
        description: Cancels an order.
        input: { id: string, reason?: late | broken }
        output: Order
        endpoint: DELETE /order
    on-events:
      post-connection-creation: [greet]
models:
  Base: { id: string, updated_at: date }
  Order:
    __extends: Base
    state: open | paid | null
    lines: Line[]
    buyer?: Buyer
    extra: { __string: string | number }
  Buyer:
    __extends: Base
    orders: Order[]
    best: Order | null
  Line: { sku: string, amount: int, of: Order | undefined }
  Settings: { since: string }
`,
    'shop/syncs/orders.ts': `import type { NangoSync, Order, ProxyConfiguration } from '../../models';
import { toOrder } from '../mappers/order';

export default async function fetchData(nango: NangoSync): Promise<void> {
    const config: ProxyConfiguration = { endpoint: '/orders', retries: 3 };
    for await (const page of nango.paginate<any>(config)) {
        const orders: Order[] = page.map(toOrder);
        await nango.batchSave(orders, 'Order');
    }
}

export async function onWebhookPayloadReceived(nango: NangoSync, payload: any): Promise<void> {
    await nango.batchSave([toOrder(payload)], 'Order');
}
`,
    'shop/actions/cancel.ts': `import type { NangoAction, Order } from '../../models';

export default async function runAction(nango: NangoAction, input: { id: string }): Promise<Order> {
    const response = await nango.delete<Order>({ endpoint: \`/orders/\${input.id}\` });
    return response.data;
}
`,
    'shop/on-events/greet.ts': `import type { NangoAction } from '../../models';

export default async function greet(nango: NangoAction): Promise<void> {
    await nango.log('hello');
}
`,
    'shop/mappers/order.ts': `import type { Order } from '../../models';

export const toOrder = (raw: any): Order => ({ id: String(raw.id), updated_at: new Date(raw.at), state: 'open', lines: [], extra: {} });
`
};

const run = (program, args, env = {}) =>
    new Promise((resolve) => {
        execFile(program, args, { cwd: project, env: { ...process.env, NO_COLOR: '1', ...env } }, (error, stdout, stderr) =>
            resolve({ code: error?.code ?? 0, out: stdout + stderr })
        );
    });

before(async () => {
    project = await temporaryFolder('tenon-older-');
    for (const [file, text] of Object.entries(FILES)) {
        await mkdir(path.join(project, path.dirname(file)), { recursive: true });
        await writeFile(path.join(project, file), text);
    }
    const done = await run(binary(), ['migrate-to-zero-yaml', '--force']);
    assert.equal(done.code, 0, done.out);
    // The packages as they are published, not the types that the command placed.
    await rm(path.join(project, 'node_modules'), { recursive: true });
    await symlink(path.join(ROOT, 'peers', 'node_modules'), path.join(project, 'node_modules'));
});

test('the types of a migrated project fit', async () => {
    const checked = await run(path.join(BIN, 'tsc'), ['--noEmit', '-p', 'tsconfig.json']);
    assert.equal(checked.code, 0, checked.out);
});

test('both command lines compile a migrated project', async () => {
    const ours = await run(binary(), ['compile']);
    assert.equal(ours.code, 0, ours.out);
    assert.match(ours.out, /orders\s+every 30 minutes → Order, Buyer/);
    const definitions = await readFile(path.join(project, '.nango', 'nango.json'), 'utf8');
    const theirs = await run(process.execPath, [path.join(BIN, 'nango'), 'compile', '--no-telemetry', '--no-dependency-update', '--no-interactive'], { CI: '1', NANGO_CLI_UPGRADE_MODE: 'ignore' });
    assert.equal(theirs.code, 0, theirs.out);
    assert.deepEqual(JSON.parse(await readFile(path.join(project, '.nango', 'nango.json'), 'utf8')), JSON.parse(definitions));
});
