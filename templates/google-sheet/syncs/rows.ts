import { createSync } from 'nango';
import * as z from 'zod';

const Row = z.object({
    /** The number of the row in the sheet. */
    id: z.string(),
    /** Texts by the headings of the first row. */
    values: z.record(z.string(), z.string())
});

const ROWS_PER_REQUEST = 1000;

/**
 * Sheets tell neither what changed nor when, so every run reads all rows and deletes those that are gone. Blocks of rows are
 * asked for by their numbers, and the checkpoint is the next one: a run that is interrupted goes on there.
 */
const sync = createSync({
    description: 'Rows of one sheet, with the headings of its first row as names.',
    version: '1.0.0',
    frequency: 'every hour',
    // The spreadsheet is in the metadata, so the sync is started when it has been set.
    autoStart: false,
    scopes: ['https://www.googleapis.com/auth/spreadsheets.readonly'],
    metadata: z.object({ spreadsheet_id: z.string(), sheet: z.string() }),
    models: { Row },
    checkpoint: z.object({ next_row: z.number() }),

    exec: async (nango) => {
        const { spreadsheet_id, sheet } = await nango.getMetadata();
        const read = async (range: string) => {
            const quoted = `'${sheet.replaceAll("'", "''")}'!${range}`;
            // https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets.values/get
            const { data } = await nango.get<{ values?: unknown[][] }>({
                endpoint: `/v4/spreadsheets/${encodeURIComponent(spreadsheet_id)}/values/${encodeURIComponent(quoted)}`,
                params: { majorDimension: 'ROWS' },
                retries: 5
            });
            return data.values ?? [];
        };
        // https://developers.google.com/workspace/sheets/api/reference/rest/v4/spreadsheets/get
        const { data: book } = await nango.get<{ sheets: { properties: { title: string; gridProperties: { rowCount: number } } }[] }>({
            endpoint: `/v4/spreadsheets/${encodeURIComponent(spreadsheet_id)}`,
            params: { fields: 'sheets.properties' },
            retries: 5
        });
        const found = book.sheets.find(({ properties }) => properties.title === sheet);
        if (!found) throw new nango.ActionError({ message: `The spreadsheet has no sheet called ${sheet}` });
        const rows = found.properties.gridProperties.rowCount;
        const [headings = []] = await read('1:1');

        let next = (await nango.getCheckpoint())?.next_row ?? 2;
        await nango.trackDeletesStart('Row');
        while (next <= rows) {
            const last = Math.min(next + ROWS_PER_REQUEST - 1, rows);
            const block = await read(`${next}:${last}`);
            const records = block.map((cells, at) => ({ id: String(next + at), values: byHeading(headings, cells) }));
            // Rows without a single cell are no rows, for whoever looks at the sheet.
            await nango.batchSave(records.filter((_, at) => block[at]?.length), 'Row');
            next = last + 1;
            await nango.saveCheckpoint({ next_row: next });
        }
        // Also for an empty sheet, so that there is something to clear.
        await nango.saveCheckpoint({ next_row: next });
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Row');
    }
});

export default sync;

function byHeading(headings: unknown[], cells: unknown[]): Record<string, string> {
    const named = cells.map((cell, at) => [String(headings[at] || `column ${at + 1}`), String(cell)]);
    return Object.fromEntries(named);
}
