import { createSync } from 'nango';
import * as z from 'zod';

const Conversation = z.object({
    id: z.string(),
    title: z.string().nullable(),
    state: z.string(),
    open: z.boolean(),
    read: z.boolean(),
    priority: z.string(),
    subject: z.string().nullable(),
    body: z.string().nullable(),
    author_id: z.string(),
    assignee_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

/** A change shows up in the search some time after it was made; this much is read again in the next run. */
const OVERLAP_SECONDS = 60;

/**
 * Searches what changed since the last run, oldest change first. Intercom does not list
 * deleted conversations; subscribe to the topic `conversation.deleted` if they matter.
 */
const sync = createSync({
    description: 'Conversations with their states, subjects and people; changes are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    models: { Conversation },
    checkpoint: z.object({ since: z.number(), after: z.string(), began: z.number() }),

    exec: async (nango) => {
        let state = { since: 0, after: '', began: 0, ...(await nango.getCheckpoint()) };
        for (;;) {
            // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/searchconversations
            const response = await nango.post<SearchAnswer>({
                endpoint: '/conversations/search',
                headers: { 'intercom-version': '2.11' },
                data: {
                    query: { field: 'updated_at', operator: '>', value: state.since },
                    sort: { field: 'updated_at', order: 'ascending' },
                    pagination: { per_page: 150, ...(state.after && { starting_after: state.after }) }
                },
                // It only reads.
                retries: 5
            });
            await nango.batchSave(response.data.conversations.map(toRecord), 'Conversation');
            const began = state.began || Math.floor((Date.parse(String(response.headers['date'])) || Date.now()) / 1000);
            const after = response.data.pages.next?.starting_after ?? '';
            if (!after) {
                await nango.saveCheckpoint({ since: began - OVERLAP_SECONDS, after: '', began: 0 });
                return;
            }
            state = { ...state, began, after };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface SearchAnswer {
    conversations: IntercomConversation[];
    pages: { next?: { starting_after: string } | null };
}

interface IntercomConversation {
    id: string;
    created_at: number;
    updated_at: number;
    title: string | null;
    state: string;
    open: boolean;
    read: boolean;
    priority: string;
    source: { subject: string | null; body: string | null; author: { id: string; type: string } };
    admin_assignee_id: number | null;
}

function toRecord(object: IntercomConversation): z.infer<typeof Conversation> {
    return {
        id: object.id,
        title: object.title,
        state: object.state,
        open: object.open,
        read: object.read,
        priority: object.priority,
        subject: object.source.subject || null,
        body: object.source.body,
        author_id: object.source.author.id,
        assignee_id: object.admin_assignee_id === null ? null : String(object.admin_assignee_id),
        created_at: new Date(object.created_at * 1000).toISOString(),
        updated_at: new Date(object.updated_at * 1000).toISOString()
    };
}
