import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Changes fields of a record; the others stay as they are.',
    version: '1.0.0',
    scopes: ['data.records:write'],
    input: z.object({ base_id: z.string(), table: z.string(), record_id: z.string(), fields: z.record(z.string(), z.any()) }),
    output: z.object({ id: z.string(), fields: z.record(z.string(), z.any()) }),

    exec: async (nango, { base_id, table, record_id, fields }) => {
        try {
            // The same values written twice are the same record, so this is retried.
            // https://airtable.com/developers/web/api/update-record
            const { data } = await nango.patch<{ id: string; fields: { [name: string]: unknown } }>({
                endpoint: `/v0/${encodeURIComponent(base_id)}/${encodeURIComponent(table)}/${encodeURIComponent(record_id)}`,
                data: { fields },
                retries: 3
            });
            return { id: data.id, fields: data.fields };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { error?: { type: string; message?: string } } } }).response ?? {};
            if (status === 404) throw new nango.ActionError({ message: `There is no record ${record_id}`, record_id });
            if (status === 422 && data?.error) throw new nango.ActionError({ message: data.error.message ?? data.error.type, type: data.error.type });
            throw error;
        }
    }
});

export default action;
