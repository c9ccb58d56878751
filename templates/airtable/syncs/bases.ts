import { createSync } from 'nango';
import * as z from 'zod';

const Base = z.object({ id: z.string(), name: z.string(), permission: z.string() });

/** Every run reads all bases, and deletes what is gone. */
const sync = createSync({
    description: 'Bases that the user gave access to.',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['schema.bases:read'],
    models: { Base },

    exec: async (nango) => {
        await nango.trackDeletesStart('Base');
        // https://airtable.com/developers/web/api/list-bases
        const pages = nango.paginate<{ id: string; name: string; permissionLevel: string }>({
            endpoint: '/v0/meta/bases',
            paginate: { type: 'cursor', cursor_path_in_response: 'offset', cursor_name_in_request: 'offset', response_path: 'bases' },
            retries: 5
        });
        for await (const page of pages) {
            await nango.batchSave(page.map(({ id, name, permissionLevel }) => ({ id, name, permission: permissionLevel })), 'Base');
        }
        await nango.trackDeletesEnd('Base');
    }
});

export default sync;
