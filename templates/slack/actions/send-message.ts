import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Writes a message into a channel, or an answer into a thread.',
    version: '1.0.0',
    scopes: ['chat:write'],
    input: z.object({
        channel: z.string().describe('the id of a channel, or of a person for a direct message'),
        text: z.string().min(1),
        thread_ts: z.string().optional().describe('the message to answer'),
        blocks: z.array(z.record(z.string(), z.any())).optional()
    }),
    output: z.object({ channel: z.string(), ts: z.string() }),

    exec: async (nango, input) => {
        // Not retried: a lost answer may hide a message that was written.
        // https://docs.slack.dev/reference/methods/chat.postMessage
        const { data } = await nango.post<{ ok: boolean; error?: string; channel: string; ts: string }>({
            endpoint: '/chat.postMessage',
            data: { channel: input.channel, text: input.text, thread_ts: input.thread_ts, blocks: input.blocks },
            retries: 0
        });
        // Slack says 200 to everything, and what is wrong in the body.
        if (!data.ok) throw new nango.ActionError({ message: `Slack refused the message: ${data.error}`, error: data.error });
        return { channel: data.channel, ts: data.ts };
    }
});

export default action;
