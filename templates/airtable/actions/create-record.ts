import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a record in a table.',
    version: '1.0.0',
    scopes: ['data.records:write'],
    input: z.object({
        base_id: z.string(),
        table: z.string().describe('its id or name'),
        fields: z.record(z.string(), z.any()),
        typecast: z.boolean().optional().describe('let Airtable turn texts into what the fields need')
    }),
    output: z.object({ id: z.string() }),

    exec: async (nango, { base_id, table, fields, typecast }) => {
        try {
            // Not retried: a lost answer may hide a record that was created.
            // https://airtable.com/developers/web/api/create-records
            const { data } = await nango.post<{ id: string }>({
                endpoint: `/v0/${encodeURIComponent(base_id)}/${encodeURIComponent(table)}`,
                data: { fields, typecast },
                retries: 0
            });
            return { id: data.id };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { error?: { type: string; message?: string } } } }).response ?? {};
            if (status === 422 && data?.error) throw new nango.ActionError({ message: data.error.message ?? data.error.type, type: data.error.type });
            throw error;
        }
    }
});

export default action;
