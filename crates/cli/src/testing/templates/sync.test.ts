import { describe, expect, it } from 'vitest';

import sync from '../syncs/__FUNCTION__.js';

describe('__INTEGRATION__ __FUNCTION__', () => {
    const models = [__MODELS__];

    const run = async () => {
        const nango = new globalThis.vitest.NangoSyncMock({ dirname: __dirname, name: '__FIXTURE__', Model: models.join(',') });
        await sync.exec(nango);
        return nango;
    };

    // All batches of a model together, as they look after a journey through JSON.
    const batches = (spy: { mock: { calls: [unknown[], string][] } }, model: string) =>
        JSON.parse(JSON.stringify(spy.mock.calls.filter((call) => call[1] === model).flatMap((call) => call[0])));

    it('saves the recorded records', async () => {
        const nango = await run();

        for (const model of models) expect(batches(nango.batchSave, model)).toStrictEqual(await nango.getBatchSaveData(model));
    });

    it('deletes the recorded records', async () => {
        const nango = await run();

        for (const model of models) {
            const expected = await nango.getBatchDeleteData(model);
            if (expected && expected.length > 0) expect(batches(nango.batchDelete, model)).toStrictEqual(expected);
        }
    });
});
