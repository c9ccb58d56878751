import { createSync } from 'nango';
import * as z from 'zod';

const Message = z.object({
    id: z.string(),
    thread: z.string(),
    labels: z.array(z.string()),
    from: z.string().nullable(),
    to: z.string().nullable(),
    subject: z.string().nullable(),
    snippet: z.string(),
    received_at: z.string()
});

const PAGE_SIZE = 100;

/**
 * `list` reads every message once; `history` follows what was added, deleted and labelled since the list began. Gmail keeps
 * the history for about a week: when it is too old (404), everything is read again, and what is gone is deleted.
 */
const sync = createSync({
    description: 'Messages of the mailbox with their subjects and labels; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['https://www.googleapis.com/auth/gmail.readonly'],
    models: { Message },
    checkpoint: z.object({ phase: z.string(), history_id: z.string(), page_token: z.string() }),

    exec: async (nango) => {
        let state = { phase: 'list', history_id: '', page_token: '', ...(await nango.getCheckpoint()) };

        const read = async (ids: Iterable<string>) => {
            const records: z.infer<typeof Message>[] = [];
            for (const id of ids) {
                try {
                    // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/get
                    const { data } = await nango.get<GmailMessage>({ endpoint: `/gmail/v1/users/me/messages/${id}`, params: { format: 'metadata' }, retries: 5 });
                    records.push(toRecord(data));
                } catch (error) {
                    // Deleted since it was listed; the history says so too.
                    if (statusOf(error) !== 404) throw error;
                }
            }
            return records;
        };

        for (;;) {
            if (state.phase === 'list') await nango.trackDeletesStart('Message');
            if (state.phase === 'history') {
                let page: HistoryPage;
                try {
                    // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.history/list
                    const { data } = await nango.get<HistoryPage>({
                        endpoint: '/gmail/v1/users/me/history',
                        params: { startHistoryId: state.history_id, maxResults: PAGE_SIZE, ...(state.page_token && { pageToken: state.page_token }) },
                        retries: 5
                    });
                    page = data;
                } catch (error) {
                    if (statusOf(error) !== 404) throw error;
                    await nango.log('The history is no longer kept so far back; all messages are read again', { level: 'warn' });
                    state = { phase: 'list', history_id: '', page_token: '' };
                    await nango.saveCheckpoint(state);
                    continue;
                }
                const { changed, deleted } = changes(page);
                await nango.batchSave(await read(changed), 'Message');
                await nango.batchDelete(deleted.map((id) => ({ id })), 'Message');
                const next = page.nextPageToken ?? '';
                // The id of the answer is that of the mailbox now; it counts when all pages up to it are read.
                state = { ...state, page_token: next, history_id: next ? state.history_id : page.historyId };
                await nango.saveCheckpoint(state);
                if (!next) return;
                continue;
            }

            if (!state.history_id) {
                // Where the history goes on when the list is read: before the list begins.
                // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users/getProfile
                const { data } = await nango.get<{ historyId: string }>({ endpoint: '/gmail/v1/users/me/profile', retries: 5 });
                state = { ...state, history_id: data.historyId };
                await nango.saveCheckpoint(state);
            }
            // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/list
            const { data } = await nango.get<{ messages?: { id: string }[]; nextPageToken?: string }>({
                endpoint: '/gmail/v1/users/me/messages',
                params: { maxResults: PAGE_SIZE, ...(state.page_token && { pageToken: state.page_token }) },
                retries: 5
            });
            await nango.batchSave(await read((data.messages ?? []).map(({ id }) => id)), 'Message');
            state = { ...state, page_token: data.nextPageToken ?? '' };
            if (!state.page_token) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await nango.saveCheckpoint({ phase: 'list', history_id: '', page_token: '' });
                await nango.trackDeletesEnd('Message');
                state.phase = 'history';
            }
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface GmailMessage {
    id: string;
    threadId: string;
    labelIds?: string[];
    snippet: string;
    internalDate: string;
    payload?: { headers?: { name: string; value: string }[] };
}

interface Entry {
    message: { id: string };
}

/** Ids of a page of the history: what is deleted need not be read. */
function changes(page: HistoryPage): { changed: string[]; deleted: string[] } {
    const changed = new Set<string>();
    const deleted = new Set<string>();
    for (const entry of page.history ?? []) {
        for (const { message } of [...(entry.messagesAdded ?? []), ...(entry.labelsAdded ?? []), ...(entry.labelsRemoved ?? [])]) changed.add(message.id);
        for (const { message } of entry.messagesDeleted ?? []) deleted.add(message.id);
    }
    return { changed: [...changed].filter((id) => !deleted.has(id)), deleted: [...deleted] };
}

interface HistoryPage {
    history?: { messagesAdded?: Entry[]; messagesDeleted?: Entry[]; labelsAdded?: Entry[]; labelsRemoved?: Entry[] }[];
    nextPageToken?: string;
    historyId: string;
}

function toRecord(message: GmailMessage): z.infer<typeof Message> {
    const header = (wanted: string) => message.payload?.headers?.find(({ name }) => name.toLowerCase() === wanted)?.value ?? null;
    return {
        id: message.id,
        thread: message.threadId,
        labels: message.labelIds ?? [],
        from: header('from'),
        to: header('to'),
        subject: header('subject'),
        snippet: message.snippet,
        received_at: new Date(Number(message.internalDate)).toISOString()
    };
}

function statusOf(error: unknown): number | undefined {
    return (error as { response?: { status: number } }).response?.status;
}
