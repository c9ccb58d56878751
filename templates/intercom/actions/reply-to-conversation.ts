import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Answers a conversation as a teammate, or leaves a note.',
    version: '1.0.0',
    input: z.object({
        conversation_id: z.string(),
        admin_id: z.string().describe('the teammate who answers'),
        body: z.string().min(1),
        note: z.boolean().optional().describe('true for a note that the customer does not see')
    }),
    output: z.object({ id: z.string(), state: z.string() }),

    exec: async (nango, input) => {
        try {
            // Not retried: a lost answer may hide a reply that was sent.
            // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/conversations/replyconversation
            const { data } = await nango.post<{ id: string; state: string }>({
                endpoint: `/conversations/${encodeURIComponent(input.conversation_id)}/reply`,
                headers: { 'intercom-version': '2.11' },
                data: { message_type: input.note ? 'note' : 'comment', type: 'admin', admin_id: input.admin_id, body: input.body },
                retries: 0
            });
            return { id: data.id, state: data.state };
        } catch (error) {
            const status = (error as { response?: { status: number } }).response?.status;
            if (status === 404) throw new nango.ActionError({ message: `There is no conversation ${input.conversation_id}` });
            throw error;
        }
    }
});

export default action;
