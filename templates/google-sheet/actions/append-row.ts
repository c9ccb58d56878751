import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Writes a row below the table that begins at the given range.',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/spreadsheets'],
    input: z.object({
        spreadsheet_id: z.string(),
        range: z.string().describe('A1 notation, such as People!A1'),
        values: z.array(z.union([z.string(), z.number(), z.boolean()]))
    }),
    output: z.object({ range: z.string() }),

    exec: async (nango, { spreadsheet_id, range, values }) => {
        // Not retried: a lost answer may hide a row that was written.
        // https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/append
        const { data } = await nango.post<{ updates: { updatedRange: string } }>({
            endpoint: `/v4/spreadsheets/${encodeURIComponent(spreadsheet_id)}/values/${encodeURIComponent(range)}:append`,
            // RAW: what looks like a formula stays a text.
            params: { valueInputOption: 'RAW', insertDataOption: 'INSERT_ROWS' },
            data: { values: [values] },
            retries: 0
        });
        return { range: data.updates.updatedRange };
    }
});

export default action;
