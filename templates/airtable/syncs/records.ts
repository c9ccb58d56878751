import { createSync } from 'nango';
import * as z from 'zod';

const Record = z.object({ id: z.string(), fields: z.record(z.string(), z.any()), created_at: z.string() });

/**
 * Airtable does not tell which records changed, unless the table has a field for it, nor which were deleted; so every run reads
 * all of them, and deletes what is gone. An offset lives for minutes: when it is refused (422), the list is read from its
 * beginning, and what was seen stays seen.
 */
const sync = createSync({
    description: 'Records of one table, with all fields or those of a view.',
    version: '1.0.0',
    frequency: 'every hour',
    // The table is in the metadata, so the sync is started when it has been set.
    autoStart: false,
    scopes: ['data.records:read'],
    metadata: z.object({ base_id: z.string(), table: z.string().describe('its id or name'), view: z.string().optional() }),
    models: { Record },
    checkpoint: z.object({ offset: z.string() }),

    exec: async (nango) => {
        const { base_id, table, view } = await nango.getMetadata();
        let offset = (await nango.getCheckpoint())?.offset ?? '';
        await nango.trackDeletesStart('Record');
        for (;;) {
            let page: RecordsPage;
            try {
                // https://airtable.com/developers/web/api/list-records
                const { data } = await nango.get<RecordsPage>({
                    endpoint: `/v0/${encodeURIComponent(base_id)}/${encodeURIComponent(table)}`,
                    params: { pageSize: 100, ...(view && { view }), ...(offset && { offset }) },
                    retries: 5
                });
                page = data;
            } catch (error) {
                if (!offset || (error as { response?: { status: number } }).response?.status !== 422) throw error;
                offset = '';
                await nango.saveCheckpoint({ offset });
                continue;
            }
            await nango.batchSave(page.records.map(({ id, fields, createdTime }) => ({ id, fields, created_at: createdTime })), 'Record');
            offset = page.offset ?? '';
            await nango.saveCheckpoint({ offset });
            if (!offset) break;
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Record');
    }
});

export default sync;

interface RecordsPage {
    records: { id: string; createdTime: string; fields: { [name: string]: unknown } }[];
    offset?: string;
}
