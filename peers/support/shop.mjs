// A tiny shop API, and what the tests need to connect it.
import { cp, symlink } from 'node:fs/promises';
import path from 'node:path';
import { ROOT, startUpstream, temporaryFolder } from './server.mjs';

/** The shop: 25 orders in pages, new orders by POST. */
export async function startShop() {
    const orders = Array.from({ length: 25 }, (_, index) => ({ id: String(1000 + index), total: index * 2 }));
    const upstream = await startUpstream((request) => {
        const url = new URL(request.url, 'http://shop');
        if (request.method === 'POST' && url.pathname === '/orders') {
            return { status: 201, body: { id: 77, total: JSON.parse(request.raw).total } };
        }
        if (url.pathname === '/orders') {
            const after = url.searchParams.get('after') ?? '';
            const limit = Number(url.searchParams.get('limit') ?? 10);
            return { body: { orders: orders.filter((order) => order.id > after).slice(0, limit) } };
        }
        return { status: 404, body: { error: 'nothing here' } };
    });
    return { ...upstream, orders };
}

/** Makes the integration `shop` and one connection over the public API. */
export async function connectShop(server, shop, connectionId) {
    const post = async (where, body) => {
        const answer = await fetch(`${server.url}${where}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${server.keys.dev}`, 'content-type': 'application/json' },
            body: JSON.stringify(body)
        });
        if (!answer.ok) throw new Error(`${where}: ${answer.status} ${await answer.text()}`);
    };
    const exists = await fetch(`${server.url}/integrations/shop`, { headers: { authorization: `Bearer ${server.keys.dev}` } });
    if (exists.status === 404) {
        await post('/integrations', {
            provider: 'private-api-generic', unique_key: 'shop',
            integration_config: { keyPlacement: 'header', keyName: 'x-shop-key', valueTemplate: '${apiKey}', baseUrl: shop.url }
        });
    }
    await post('/connections', { provider_config_key: 'shop', connection_id: connectionId, credentials: { type: 'API_KEY', apiKey: 'shop-key' } });
}

/** A copy of the fixture project that uses the peers' own packages. */
export async function shopProject() {
    const folder = path.join(await temporaryFolder('tenon-project-'), 'shop-functions');
    await cp(path.join(ROOT, 'peers', 'fixtures', 'shop'), folder, { recursive: true, filter: (from) => !/node_modules|build$/.test(from) });
    await cp(path.join(ROOT, 'peers', 'package.json'), path.join(folder, '..', 'package.json'));
    await symlink(path.join(ROOT, 'peers', 'node_modules'), path.join(folder, 'node_modules'));
    return folder;
}
