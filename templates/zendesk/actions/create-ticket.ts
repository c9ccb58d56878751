import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Opens a ticket. With an idempotency key, the same one twice opens one ticket.',
    version: '1.0.0',
    scopes: ['tickets:write'],
    input: z.object({
        subject: z.string(),
        comment: z.string().min(1),
        requester: z.object({ name: z.string().optional(), email: z.email() }).optional(),
        priority: z.enum(['low', 'normal', 'high', 'urgent']).optional(),
        tags: z.array(z.string()).optional(),
        idempotency_key: z.string().optional()
    }),
    output: z.object({ id: z.string(), status: z.string() }),

    exec: async (nango, { subject, comment, requester, priority, tags, idempotency_key }) => {
        // https://developer.zendesk.com/api-reference/ticketing/tickets/tickets/#create-ticket
        const { data } = await nango.post<{ ticket: { id: number; status: string } }>({
            endpoint: '/api/v2/tickets.json',
            ...(idempotency_key && { headers: { 'idempotency-key': idempotency_key } }),
            data: { ticket: { subject, comment: { body: comment }, requester, priority, tags } },
            // Only with a key does a second attempt find the ticket of the first.
            retries: idempotency_key ? 3 : 0
        });
        return { id: String(data.ticket.id), status: data.ticket.status };
    }
});

export default action;
