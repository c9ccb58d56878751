import * as z from 'zod';

/** The record that your product reads. */
export const Contact = z.object({
    id: z.string(),
    email: z.string().nullable(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    job_title: z.string().nullable(),
    lifecycle_stage: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});
export type Contact = z.infer<typeof Contact>;

/** The properties that are asked for; HubSpot leaves out what is not named. */
export const PROPERTIES = ['email', 'firstname', 'lastname', 'phone', 'company', 'jobtitle', 'lifecyclestage', 'createdate', 'lastmodifieddate'];

/** A contact as HubSpot answers it: properties are texts, or null when empty. */
export interface HubspotContact {
    id: string;
    properties: Record<string, string | null | undefined>;
    createdAt: string;
    updatedAt: string;
}

export function toContact(contact: HubspotContact): Contact {
    const text = (property: string): string | null => contact.properties[property] || null;
    return {
        id: contact.id,
        email: text('email'),
        first_name: text('firstname'),
        last_name: text('lastname'),
        phone: text('phone'),
        company: text('company'),
        job_title: text('jobtitle'),
        lifecycle_stage: text('lifecyclestage'),
        created_at: text('createdate') ?? contact.createdAt,
        updated_at: text('lastmodifieddate') ?? contact.updatedAt
    };
}

/** When HubSpot changed the contact last, in milliseconds: what the search filters and sorts by. */
export function modifiedAt(contact: HubspotContact): number {
    return Date.parse(contact.properties['lastmodifieddate'] ?? contact.updatedAt);
}
