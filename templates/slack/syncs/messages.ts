import { createSync } from 'nango';
import * as z from 'zod';

const Message = z.object({
    id: z.string(),
    channel: z.string(),
    ts: z.string(),
    user: z.string().nullable(),
    text: z.string(),
    thread_ts: z.string().nullable(),
    replies: z.number(),
    edited: z.boolean(),
    sent_at: z.string()
});

/** Slack gives apps outside its marketplace 15 messages per request; others get up to this many. */
const PAGE_SIZE = 200;

/** Edited messages do not come back by themselves. This much is read again in every run, to see them. */
const WINDOW_SECONDS = 24 * 3600;

/**
 * Reads one channel after the other, newest message first, down to a day before the previous run began. Slack does not list
 * deleted messages; subscribe to the event `message.channels` if they matter.
 */
const sync = createSync({
    description: 'Messages of the channels named in the metadata; edits of the last day are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    // The channels are in the metadata, so the sync is started when they have been set.
    autoStart: false,
    scopes: ['channels:history', 'groups:history'],
    metadata: z.object({ channels: z.array(z.string()).describe('ids, such as C024BE91L') }),
    models: { Message },
    checkpoint: z.object({ channel: z.number(), cursor: z.string(), oldest: z.number(), began: z.number() }),

    exec: async (nango) => {
        const { channels } = await nango.getMetadata();
        let state = { channel: 0, cursor: '', oldest: 0, began: 0, ...(await nango.getCheckpoint()) };
        for (;;) {
            const channel = channels[state.channel];
            if (channel === undefined) break;
            // https://docs.slack.dev/reference/methods/conversations.history
            const { data, headers } = await nango.get<HistoryAnswer>({
                endpoint: '/conversations.history',
                params: { channel, limit: PAGE_SIZE, ...(state.oldest && { oldest: state.oldest }), ...(state.cursor && { cursor: state.cursor }) },
                retries: 5
            });
            if (data.error === 'invalid_cursor' && state.cursor) {
                state = { ...state, cursor: '' };
                await nango.saveCheckpoint(state);
                continue;
            }
            if (!data.ok) throw new nango.ActionError({ message: `Slack refused the messages of ${channel}: ${data.error}`, channel, error: data.error });
            const records = data.messages.map((message) => toRecord(channel, message));
            await nango.batchSave(records, 'Message');
            const cursor = data.response_metadata?.next_cursor ?? '';
            const began = state.began || Math.floor((Date.parse(String(headers['date'])) || Date.now()) / 1000);
            state = { ...state, began, cursor, channel: cursor ? state.channel : state.channel + 1 };
            await nango.saveCheckpoint(state);
        }
        await nango.saveCheckpoint({ channel: 0, cursor: '', oldest: Math.max(state.began - WINDOW_SECONDS, state.oldest), began: 0 });
    }
});

export default sync;

interface HistoryAnswer {
    ok: boolean;
    error?: string;
    messages: SlackMessage[];
    response_metadata?: { next_cursor?: string };
}

interface SlackMessage {
    ts: string;
    user?: string;
    bot_id?: string;
    text?: string;
    thread_ts?: string;
    reply_count?: number;
    edited?: unknown;
}

function toRecord(channel: string, message: SlackMessage): z.infer<typeof Message> {
    return {
        // The moment is unique in its channel.
        id: `${channel}:${message.ts}`,
        channel,
        ts: message.ts,
        user: message.user ?? message.bot_id ?? null,
        text: message.text ?? '',
        thread_ts: message.thread_ts ?? null,
        replies: message.reply_count ?? 0,
        edited: message.edited !== undefined,
        sent_at: new Date(Number(message.ts) * 1000).toISOString()
    };
}
