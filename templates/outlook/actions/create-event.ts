import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Puts an event into the calendar and invites its attendees.',
    version: '1.0.0',
    scopes: ['Calendars.ReadWrite'],
    input: z.object({
        title: z.string(),
        start: z.string().describe('without offset, such as 2026-03-05T10:00:00'),
        end: z.string(),
        time_zone: z.string().optional().describe('UTC, when not given'),
        body: z.string().optional(),
        location: z.string().optional(),
        attendees: z.array(z.email()).optional(),
        transaction_id: z.string().optional().describe('an id of your own; the same one twice makes one event')
    }),
    output: z.object({ id: z.string(), url: z.string() }),

    exec: async (nango, input) => {
        const timeZone = input.time_zone ?? 'UTC';
        // https://learn.microsoft.com/en-us/graph/api/user-post-events
        const { data } = await nango.post<{ id: string; webLink: string }>({
            endpoint: '/v1.0/me/events',
            data: {
                subject: input.title,
                start: { dateTime: input.start, timeZone },
                end: { dateTime: input.end, timeZone },
                body: input.body === undefined ? undefined : { contentType: 'Text', content: input.body },
                location: input.location === undefined ? undefined : { displayName: input.location },
                attendees: input.attendees?.map((address) => ({ emailAddress: { address }, type: 'required' })),
                transactionId: input.transaction_id
            },
            // Only with an id does a second attempt find the event of the first.
            retries: input.transaction_id ? 3 : 0
        });
        return { id: data.id, url: data.webLink };
    }
});

export default action;
