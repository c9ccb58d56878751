import { createSync } from 'nango';
import * as z from 'zod';

const Message = z.object({
    id: z.string(),
    subject: z.string().nullable(),
    preview: z.string().nullable(),
    from: z.string().nullable(),
    to: z.array(z.string()),
    read: z.boolean(),
    conversation: z.string().nullable(),
    has_attachments: z.boolean(),
    received_at: z.string().nullable(),
    url: z.string().nullable()
});

/**
 * Microsoft Graph gives links: `nextLink` to the next page, `deltaLink` after the last one, which answers what changed since.
 * When a link is too old (410), everything is read again, and what is gone is deleted.
 */
const sync = createSync({
    description: 'Messages of the inbox, or of another folder; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['Mail.Read'],
    metadata: z.object({ folder: z.string().optional().describe('its id or well-known name; inbox, when not given') }),
    models: { Message },
    checkpoint: z.object({ link_1: z.string(), link_2: z.string(), delta: z.boolean() }),

    exec: async (nango) => {
        const folder = (await nango.getMetadata())?.folder ?? 'inbox';
        let state: State = { link: '', delta: false };
        const saved = await nango.getCheckpoint();
        if (saved) state = { ...saved, link: saved.link_1 + saved.link_2 };
        const save = async ({ link, ...rest }: State) => {
            // A text of a checkpoint has at most 4,000 characters, and links can be longer.
            await nango.saveCheckpoint({ ...rest, link_1: link.slice(0, 4000), link_2: link.slice(4000) });
        };
        for (;;) {
            if (!state.delta) await nango.trackDeletesStart('Message');
            let page: DeltaPage;
            try {
                // https://learn.microsoft.com/en-us/graph/delta-query-messages
                const { data } = await nango.get<DeltaPage>({
                    endpoint: state.link ? path(state.link) : START(folder),
                    headers: { prefer: 'odata.maxpagesize=100' },
                    retries: 5
                });
                page = data;
            } catch (error) {
                if (!state.link || (error as { response?: { status: number } }).response?.status !== 410) throw error;
                await nango.log('The delta link is no longer valid; everything is read again', { level: 'warn' });
                state = { ...state, link: '', delta: false };
                await save(state);
                continue;
            }
            const gone = page.value.filter((item) => item['@removed']);
            const live = page.value.filter((item) => !item['@removed']);
            await nango.batchSave(live.map(toRecord), 'Message');
            await nango.batchDelete(gone.map(({ id }) => ({ id })), 'Message');
            const next = page['@odata.nextLink'];
            if (next) {
                state = { ...state, link: next };
                await save(state);
                continue;
            }
            if (!state.delta) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await save({ ...state, link: '' });
                await nango.trackDeletesEnd('Message');
            }
            await save({ ...state, link: page['@odata.deltaLink'] ?? '', delta: page['@odata.deltaLink'] !== undefined });
            return;
        }
    }
});

export default sync;

const FIELDS = 'subject,bodyPreview,from,toRecipients,isRead,conversationId,hasAttachments,receivedDateTime,webLink';

const START = (folder: string) => `/v1.0/me/mailFolders/${encodeURIComponent(folder)}/messages/delta?$select=${FIELDS}`;

interface State {
    link: string;
    /** Whether the link answers changes; otherwise it is a page of the first read. */
    delta: boolean;
}

interface DeltaPage {
    value: GraphMessage[];
    '@odata.nextLink'?: string;
    '@odata.deltaLink'?: string;
}

interface GraphMessage {
    id: string;
    '@removed'?: { reason: string };
    subject?: string | null;
    bodyPreview?: string;
    from?: { emailAddress: { address: string; name?: string } };
    toRecipients?: { emailAddress: { address: string } }[];
    isRead?: boolean;
    conversationId?: string;
    hasAttachments?: boolean;
    receivedDateTime?: string;
    webLink?: string;
}

/** Links are absolute; the proxy knows the host. */
function path(link: string): string {
    const url = new URL(link);
    return url.pathname + url.search;
}

function toRecord(item: GraphMessage): z.infer<typeof Message> {
    return {
        id: item.id,
        subject: item.subject ?? null,
        preview: item.bodyPreview ?? null,
        from: item.from?.emailAddress.address ?? null,
        to: (item.toRecipients ?? []).map(({ emailAddress }) => emailAddress.address),
        read: item.isRead ?? false,
        conversation: item.conversationId ?? null,
        has_attachments: item.hasAttachments ?? false,
        received_at: item.receivedDateTime ?? null,
        url: item.webLink ?? null
    };
}
