import { createSync } from 'nango';
import * as z from 'zod';

const Page = z.object({
    id: z.string(),
    title: z.string(),
    url: z.string(),
    parent_type: z.string(),
    parent_id: z.string().nullable(),
    archived: z.boolean(),
    created_at: z.string(),
    updated_at: z.string()
});

const PAGE_SIZE = 100;

/** Notion stamps changes by the minute, and its search lags behind; this much is read again in the next run. */
const OVERLAP_MS = 5 * 60_000;

/**
 * The search cannot be limited to what changed, but sorted: newest change first, read down to where the previous run began.
 * Once a day everything is read, and what is gone (deleted, or no longer shared) is deleted.
 */
const sync = createSync({
    description: 'Pages shared with the integration; changes within minutes, deletions within a day.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    models: { Page },
    checkpoint: z.object({ cursor: z.string(), since: z.string(), began: z.string(), full_at: z.string() }),

    exec: async (nango) => {
        let state = { cursor: '', since: '', began: '', full_at: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            let answer;
            try {
                // https://developers.notion.com/reference/post-search
                answer = await nango.post<SearchAnswer>({
                    endpoint: '/v1/search',
                    data: {
                        filter: { property: 'object', value: 'page' },
                        sort: { timestamp: 'last_edited_time', direction: 'descending' },
                        page_size: PAGE_SIZE,
                        ...(state.cursor && { start_cursor: state.cursor })
                    },
                    // It only reads.
                    retries: 5
                });
            } catch (error) {
                // A cursor that is too old is a 400: from the beginning, then.
                if (!state.cursor || (error as { response?: { status: number } }).response?.status !== 400) throw error;
                state = { ...state, cursor: '', began: '' };
                await nango.saveCheckpoint(state);
                continue;
            }
            if (!state.began) {
                const now = Date.parse(String(answer.headers['date'])) || Date.now();
                const day = now - Date.parse(state.full_at || '1970-01-01') >= 24 * 3600_000;
                state = { ...state, began: new Date(now).toISOString(), since: day ? '' : state.since };
            }
            const full = state.since === '';
            if (full) await nango.trackDeletesStart('Page');
            const { results, next_cursor } = answer.data;
            const changed = results.filter((page) => full || page.last_edited_time >= state.since);
            await nango.batchSave(changed.map(toRecord), 'Page');
            if (next_cursor && changed.length === results.length) {
                state = { ...state, cursor: next_cursor };
                await nango.saveCheckpoint(state);
                continue;
            }
            if (full) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await nango.saveCheckpoint({ cursor: '', since: '', began: '', full_at: '' });
                await nango.trackDeletesEnd('Page');
            }
            const since = new Date(Date.parse(state.began) - OVERLAP_MS).toISOString();
            await nango.saveCheckpoint({ cursor: '', since, began: '', full_at: full ? state.began : state.full_at });
            return;
        }
    }
});

export default sync;

interface SearchAnswer {
    results: NotionPage[];
    next_cursor: string | null;
}

interface NotionPage {
    id: string;
    url: string;
    archived: boolean;
    created_time: string;
    last_edited_time: string;
    parent: { type: string; [id: string]: unknown };
    properties: Record<string, { type: string; title?: { plain_text: string }[] }>;
}

function toRecord(page: NotionPage): z.infer<typeof Page> {
    // The title is a property of any name in a database, and `title` elsewhere.
    const title = Object.values(page.properties).find(({ type }) => type === 'title');
    const parent = page.parent[page.parent.type];
    return {
        id: page.id,
        title: (title?.title ?? []).map(({ plain_text }) => plain_text).join(''),
        url: page.url,
        parent_type: page.parent.type,
        parent_id: typeof parent === 'string' ? parent : null,
        archived: page.archived,
        created_at: page.created_time,
        updated_at: page.last_edited_time
    };
}
