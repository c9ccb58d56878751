import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Reads one page of the rows of a database, with a filter and an order in the words of Notion.',
    version: '1.0.0',
    input: z.object({
        database_id: z.string(),
        filter: z.record(z.string(), z.any()).optional(),
        sorts: z.array(z.record(z.string(), z.any())).optional(),
        cursor: z.string().optional(),
        limit: z.number().int().min(1).max(100).optional()
    }),
    output: z.object({
        rows: z.array(z.object({ id: z.string(), url: z.string(), properties: z.record(z.string(), z.any()) })),
        next_cursor: z.string().nullable()
    }),

    exec: async (nango, { database_id, filter, sorts, cursor, limit }) => {
        try {
            // It only reads. https://developers.notion.com/reference/post-database-query
            const { data } = await nango.post<{ results: { id: string; url: string; properties: Record<string, unknown> }[]; next_cursor: string | null }>({
                endpoint: `/v1/databases/${encodeURIComponent(database_id)}/query`,
                data: { filter, sorts, start_cursor: cursor, page_size: limit ?? 100 },
                retries: 3
            });
            return { rows: data.results.map(({ id, url, properties }) => ({ id, url, properties })), next_cursor: data.next_cursor };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { message?: string } } }).response ?? {};
            if (status === 400 || status === 404) throw new nango.ActionError({ message: data?.message ?? 'Notion refused the query', status });
            throw error;
        }
    }
});

export default action;
