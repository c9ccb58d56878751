import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a contact.',
    version: '1.0.0',
    scopes: ['api'],
    input: z.object({
        last_name: z.string().min(1),
        first_name: z.string().optional(),
        email: z.email().optional(),
        phone: z.string().optional(),
        title: z.string().optional(),
        account_id: z.string().optional()
    }),
    output: z.object({ id: z.string() }),

    exec: async (nango, input) => {
        try {
            // Not retried: a lost answer may hide a contact that was created.
            // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_create.htm
            const { data } = await nango.post<{ id: string; success: boolean }>({
                endpoint: '/services/data/v61.0/sobjects/Contact',
                data: {
                    LastName: input.last_name,
                    FirstName: input.first_name,
                    Email: input.email,
                    Phone: input.phone,
                    Title: input.title,
                    AccountId: input.account_id
                },
                retries: 0
            });
            return { id: data.id };
        } catch (error) {
            // What is wrong comes as a list: required fields, validation rules, possible duplicates.
            const { status, data } = (error as { response?: { status: number; data?: { errorCode: string; message: string }[] } }).response ?? {};
            const first = status === 400 && Array.isArray(data) ? data[0] : undefined;
            if (first) throw new nango.ActionError({ message: first.message, code: first.errorCode });
            throw error;
        }
    }
});

export default action;
