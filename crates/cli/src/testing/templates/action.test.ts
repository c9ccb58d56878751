import { describe, expect, it } from 'vitest';

import action from '../actions/__FUNCTION__.js';

describe('__INTEGRATION__ __FUNCTION__', () => {
    const nango = new globalThis.vitest.NangoActionMock({ dirname: __dirname, name: '__FIXTURE__', Model: '' });

    it('answers the recorded output', async () => {
        const output = await action.exec(nango, await nango.getInput());

        expect(output).toEqual(await nango.getOutput());
    });
});
