import { createSync } from 'nango';
import * as z from 'zod';

const Contact = z.object({
    id: z.string(),
    role: z.string(),
    external_id: z.string().nullable(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    owner_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

/** A change shows up in the search some time after it was made; this much is read again in the next run. */
const OVERLAP_SECONDS = 60;

/**
 * Searches what changed since the last run, oldest change first. Deleted contacts are not
 * searched for: once a day all are read, and those that are gone are deleted.
 */
const sync = createSync({
    description: 'Users and leads; changes within minutes, deletions and merges within a day.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    models: { Contact },
    checkpoint: z.object({ since: z.number(), after: z.string(), began: z.number(), full_at: z.number() }),

    exec: async (nango) => {
        let state = { since: 0, after: '', began: 0, full_at: 0, ...(await nango.getCheckpoint()) };
        for (;;) {
            if (!state.began) {
                const began = Math.floor(Date.now() / 1000);
                const full = began - state.full_at >= 24 * 3600;
                state = { ...state, began, after: '', since: full ? 0 : state.since };
                await nango.saveCheckpoint(state);
            }
            if (state.since === 0) await nango.trackDeletesStart('Contact');
            // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/searchcontacts
            const response = await nango.post<SearchAnswer>({
                endpoint: '/contacts/search',
                headers: { 'intercom-version': '2.11' },
                data: {
                    query: { field: 'updated_at', operator: '>', value: state.since },
                    sort: { field: 'updated_at', order: 'ascending' },
                    pagination: { per_page: 150, ...(state.after && { starting_after: state.after }) }
                },
                // It only reads.
                retries: 5
            });
            await nango.batchSave(response.data.data.map(toRecord), 'Contact');
            const after = response.data.pages.next?.starting_after ?? '';
            if (!after) {
                const full = state.since === 0;
                if (full) {
                    // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                    await nango.saveCheckpoint({ since: 0, after: '', began: 0, full_at: 0 });
                    await nango.trackDeletesEnd('Contact');
                }
                await nango.saveCheckpoint({ since: state.began - OVERLAP_SECONDS, after: '', began: 0, full_at: full ? state.began : state.full_at });
                return;
            }
            state = { ...state, after };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface SearchAnswer {
    data: IntercomContact[];
    pages: { next?: { starting_after: string } | null };
}

interface IntercomContact {
    id: string;
    created_at: number;
    updated_at: number;
    role: string;
    external_id: string | null;
    name: string | null;
    email: string | null;
    phone: string | null;
    owner_id: number | null;
}

function toRecord(object: IntercomContact): z.infer<typeof Contact> {
    return {
        id: object.id,
        role: object.role,
        external_id: object.external_id,
        name: object.name,
        email: object.email,
        phone: object.phone,
        owner_id: object.owner_id === null ? null : String(object.owner_id),
        created_at: new Date(object.created_at * 1000).toISOString(),
        updated_at: new Date(object.updated_at * 1000).toISOString()
    };
}
