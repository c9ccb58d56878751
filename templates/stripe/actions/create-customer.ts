import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a customer.',
    version: '1.0.0',
    scopes: ['read_write'],
    input: z.object({
        email: z.email().optional(),
        name: z.string().optional(),
        phone: z.string().optional(),
        description: z.string().optional(),
        metadata: z.record(z.string(), z.string()).optional(),
        idempotency_key: z.string().max(255).optional().describe('the same key within a day makes one customer')
    }),
    output: z.object({ id: z.string() }),

    exec: async (nango, { idempotency_key, metadata, ...fields }) => {
        const form = new URLSearchParams();
        for (const [name, value] of Object.entries(fields)) if (value !== undefined) form.set(name, value);
        for (const [name, value] of Object.entries(metadata ?? {})) form.set(`metadata[${name}]`, value);
        try {
            // https://docs.stripe.com/api/customers/create
            const { data } = await nango.post<{ id: string }>({
                endpoint: '/v1/customers',
                headers: { 'content-type': 'application/x-www-form-urlencoded', ...(idempotency_key && { 'idempotency-key': idempotency_key }) },
                data: form.toString(),
                // Only with a key does a second attempt find the customer of the first.
                retries: idempotency_key ? 3 : 0
            });
            return { id: data.id };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { error?: { message: string; code?: string; param?: string } } } }).response ?? {};
            if (status === 400 && data?.error) throw new nango.ActionError({ message: data.error.message, code: data.error.code, param: data.error.param });
            throw error;
        }
    }
});

export default action;
