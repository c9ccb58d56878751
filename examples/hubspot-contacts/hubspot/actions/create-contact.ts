import { createAction } from 'nango';
import * as z from 'zod';

import { Contact, toContact, type HubspotContact } from '../helpers/contact.js';

const Input = z.object({
    email: z.string(),
    first_name: z.string().optional(),
    last_name: z.string().optional(),
    phone: z.string().optional(),
    company: z.string().optional()
});

const action = createAction({
    description: 'Creates a contact. Fails with `contact_exists` and the id of the other contact when the address is taken.',
    scopes: ['crm.objects.contacts.write'],
    input: Input,
    output: Contact,

    exec: async (nango, input): Promise<z.infer<typeof Contact>> => {
        const { data: contact } = await nango.zodValidateInput({ zodSchema: Input, input });
        try {
            // https://developers.hubspot.com/docs/reference/api/crm/objects/contacts#post-%2Fcrm%2Fv3%2Fobjects%2Fcontacts
            const response = await nango.post<HubspotContact>({
                endpoint: '/crm/v3/objects/contacts',
                data: {
                    properties: {
                        email: contact.email,
                        firstname: contact.first_name,
                        lastname: contact.last_name,
                        phone: contact.phone,
                        company: contact.company
                    }
                },
                // A second attempt could meet the contact that the first one made.
                retries: 0
            });
            return toContact(response.data);
        } catch (error) {
            const refusal = (error as { response?: { status: number; data?: { message?: string } } }).response;
            if (refusal?.status !== 409) {
                throw error;
            }
            throw new nango.ActionError({
                type: 'contact_exists',
                message: `There is a contact with the address ${contact.email} already`,
                existing_id: refusal.data?.message?.match(/Existing ID: (\d+)/)?.[1] ?? null
            });
        }
    }
});

export default action;
