import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a user or a lead. A user that exists already is answered with its id.',
    version: '1.0.0',
    input: z.object({
        role: z.enum(['user', 'lead']).optional().describe('user, when not given'),
        email: z.email().optional(),
        external_id: z.string().optional().describe('your own id of the user'),
        name: z.string().optional(),
        phone: z.string().optional()
    }),
    output: z.object({ id: z.string(), created: z.boolean() }),

    exec: async (nango, input) => {
        try {
            // Not retried: a lost answer may hide a lead that was created.
            // https://developers.intercom.com/docs/references/rest-api/api.intercom.io/contacts/createcontact
            const { data } = await nango.post<{ id: string }>({
                endpoint: '/contacts',
                headers: { 'intercom-version': '2.11' },
                data: { role: input.role ?? 'user', email: input.email, external_id: input.external_id, name: input.name, phone: input.phone },
                retries: 0
            });
            return { id: data.id, created: true };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { errors?: { code: string; message: string }[] } } }).response ?? {};
            const first = data?.errors?.[0];
            // The sentence ends with the id: "A contact matching those details already exists with id=64a1".
            const id = status === 409 ? /id=(\w+)/.exec(first?.message ?? '')?.[1] : undefined;
            if (id) return { id, created: false };
            if (first && (status === 400 || status === 422)) throw new nango.ActionError({ message: first.message, code: first.code });
            throw error;
        }
    }
});

export default action;
