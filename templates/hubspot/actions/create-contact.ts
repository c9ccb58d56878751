import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a contact. An address that is taken is answered with the id of its contact.',
    version: '1.0.0',
    scopes: ['crm.objects.contacts.write'],
    input: z.object({
        email: z.email(),
        first_name: z.string().optional(),
        last_name: z.string().optional(),
        phone: z.string().optional(),
        company: z.string().optional(),
        lifecycle_stage: z.string().optional()
    }),
    output: z.object({ id: z.string(), created: z.boolean() }),

    exec: async (nango, input) => {
        try {
            // Not retried: a lost answer may hide a contact that was created.
            // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/post-crm-v3-objects-contacts
            const { data } = await nango.post<{ id: string }>({
                endpoint: '/crm/v3/objects/contacts',
                data: {
                    properties: {
                        email: input.email,
                        firstname: input.first_name,
                        lastname: input.last_name,
                        phone: input.phone,
                        company: input.company,
                        lifecyclestage: input.lifecycle_stage
                    }
                },
                retries: 0
            });
            return { id: data.id, created: true };
        } catch (error) {
            // The sentence ends with the id: "Contact already exists. Existing ID: 51".
            const { status, data } = (error as Refusal).response ?? {};
            const id = status === 409 ? /Existing ID: (\d+)/.exec(data?.message ?? '')?.[1] : undefined;
            if (id) return { id, created: false };
            if (status === 400) throw new nango.ActionError({ message: data?.message ?? 'HubSpot refused the contact', email: input.email });
            throw error;
        }
    }
});

export default action;

interface Refusal {
    response?: { status: number; data?: { message?: string } };
}
