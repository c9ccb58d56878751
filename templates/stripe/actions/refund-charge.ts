import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Refunds a charge, wholly or in part. The same reference refunds once, however often it is asked for.',
    version: '1.0.0',
    scopes: ['read_write'],
    input: z.object({
        charge: z.string(),
        amount: z.number().int().positive().optional().describe('in the smallest unit of the currency; all of it, when not given'),
        reason: z.enum(['duplicate', 'fraudulent', 'requested_by_customer']).optional(),
        reference: z.string().min(1).max(255).describe('what the refund is for, in your own books')
    }),
    output: z.object({ id: z.string(), status: z.string().nullable(), amount: z.number() }),

    exec: async (nango, { charge, amount, reason, reference }) => {
        const form = new URLSearchParams({ charge, ...(amount && { amount: String(amount) }), ...(reason && { reason }) });
        try {
            // https://docs.stripe.com/api/refunds/create
            const { data } = await nango.post<{ id: string; status: string | null; amount: number }>({
                endpoint: '/v1/refunds',
                headers: { 'content-type': 'application/x-www-form-urlencoded', 'idempotency-key': `refund:${charge}:${reference}` },
                data: form.toString(),
                // The key makes it safe: a second attempt gets the answer of the first.
                retries: 3
            });
            return { id: data.id, status: data.status, amount: data.amount };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { error?: { message: string; code?: string } } } }).response ?? {};
            if ((status === 400 || status === 404) && data?.error) throw new nango.ActionError({ message: data.error.message, code: data.error.code });
            throw error;
        }
    }
});

export default action;
