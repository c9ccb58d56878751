import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Reads the cells of a range.',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/spreadsheets.readonly'],
    input: z.object({ spreadsheet_id: z.string(), range: z.string().describe('A1 notation, such as People!A1:C10') }),
    output: z.object({ range: z.string(), values: z.array(z.array(z.string())) }),

    exec: async (nango, { spreadsheet_id, range }) => {
        try {
            // https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/get
            const { data } = await nango.get<{ range: string; values?: unknown[][] }>({
                endpoint: `/v4/spreadsheets/${encodeURIComponent(spreadsheet_id)}/values/${encodeURIComponent(range)}`,
                retries: 3
            });
            return { range: data.range, values: (data.values ?? []).map((row) => row.map(String)) };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { error?: { message?: string } } } }).response ?? {};
            if (status === 400 || status === 404) throw new nango.ActionError({ message: data?.error?.message ?? 'There is no such range', status });
            throw error;
        }
    }
});

export default action;
