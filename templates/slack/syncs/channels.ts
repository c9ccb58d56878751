import { createSync } from 'nango';
import * as z from 'zod';

const Channel = z.object({
    id: z.string(),
    name: z.string(),
    topic: z.string().nullable(),
    purpose: z.string().nullable(),
    private: z.boolean(),
    archived: z.boolean(),
    members: z.number().nullable(),
    created_at: z.string()
});

/** Slack lists without any order by time, so every run reads all pages, and deletes what it did not see. */
const sync = createSync({
    description: 'Channels that the app can see, public and private.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    scopes: ['channels:read', 'groups:read'],
    models: { Channel },
    checkpoint: z.object({ cursor: z.string() }),

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor ?? '';
        await nango.trackDeletesStart('Channel');
        for (;;) {
            // https://docs.slack.dev/reference/methods/conversations.list
            const { data } = await nango.get<ListAnswer>({
                endpoint: '/conversations.list',
                params: { limit: 200, types: 'public_channel,private_channel', exclude_archived: false, ...(cursor && { cursor }) },
                retries: 5
            });
            if (data.error === 'invalid_cursor' && cursor) {
                // Cursors live for minutes. The list is read from its beginning; what was seen stays seen.
                cursor = '';
                await nango.saveCheckpoint({ cursor });
                continue;
            }
            // Slack says 200 to everything, and what is wrong in the body.
            if (!data.ok) throw new nango.ActionError({ message: `Slack refused the list: ${data.error}`, error: data.error });
            await nango.batchSave(data.channels.map(toRecord), 'Channel');
            cursor = data.response_metadata?.next_cursor ?? '';
            await nango.saveCheckpoint({ cursor });
            if (!cursor) break;
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Channel');
    }
});

export default sync;

interface ListAnswer {
    ok: boolean;
    error?: string;
    channels: SlackChannel[];
    response_metadata?: { next_cursor?: string };
}

interface SlackChannel {
    id: string;
    name: string;
    topic?: { value: string };
    purpose?: { value: string };
    is_private: boolean;
    is_archived: boolean;
    num_members?: number;
    created: number;
}

function toRecord(channel: SlackChannel): z.infer<typeof Channel> {
    return {
        id: channel.id,
        name: channel.name,
        topic: channel.topic?.value || null,
        purpose: channel.purpose?.value || null,
        private: channel.is_private,
        archived: channel.is_archived,
        members: channel.num_members ?? null,
        created_at: new Date(channel.created * 1000).toISOString()
    };
}
