import { createSync } from 'nango';
import * as z from 'zod';

const __MODEL__ = z.object({
    id: z.string(),
    name: z.string()
});

const sync = createSync({
    description: 'Says in one sentence what __NAME__ keeps a copy of.',
    frequency: 'every hour',
    autoStart: true,
    models: { __MODEL__ },

    exec: async (nango) => {
        const pages = nango.paginate<{ id: number; name: string }>({
            endpoint: '/path/of/the/list',
            retries: 3
        });
        await nango.trackDeletesStart('__MODEL__');
        for await (const page of pages) {
            await nango.batchSave(
                page.map((item) => ({ id: String(item.id), name: item.name })),
                '__MODEL__'
            );
        }
        await nango.trackDeletesEnd('__MODEL__');
    }
});

export default sync;
