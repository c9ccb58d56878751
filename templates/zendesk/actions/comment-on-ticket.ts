import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Answers a ticket or leaves a note, and may change its status.',
    version: '1.0.0',
    scopes: ['tickets:write'],
    input: z.object({
        ticket_id: z.string().regex(/^\d+$/),
        comment: z.string().min(1),
        public: z.boolean().optional().describe('false for a note that the customer does not see; public, when not given'),
        status: z.enum(['open', 'pending', 'hold', 'solved']).optional()
    }),
    output: z.object({ id: z.string(), status: z.string() }),

    exec: async (nango, input) => {
        try {
            // Not retried: a lost answer may hide a comment that was written.
            // https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#update-ticket
            const { data } = await nango.put<{ ticket: { id: number; status: string } }>({
                endpoint: `/api/v2/tickets/${encodeURIComponent(input.ticket_id)}.json`,
                data: { ticket: { comment: { body: input.comment, public: input.public ?? true }, status: input.status } },
                retries: 0
            });
            return { id: String(data.ticket.id), status: data.ticket.status };
        } catch (error) {
            const status = (error as { response?: { status: number } }).response?.status;
            if (status === 404) throw new nango.ActionError({ message: `There is no ticket ${input.ticket_id}` });
            if (status === 422) throw new nango.ActionError({ message: 'Zendesk refused the change; a closed ticket takes none', ticket_id: input.ticket_id });
            throw error;
        }
    }
});

export default action;
