import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Puts an event into a calendar and invites its attendees.',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/calendar.events'],
    input: z.object({
        calendar_id: z.string().optional(),
        title: z.string(),
        description: z.string().optional(),
        location: z.string().optional(),
        start: z.string().describe('a moment such as 2026-03-05T10:00:00Z, or a date for whole days'),
        end: z.string().describe('likewise; for whole days the day after the last one'),
        time_zone: z.string().optional(),
        attendees: z.array(z.email()).optional(),
        event_id: z.string().regex(/^[a-v0-9]{5,1024}$/).optional().describe('an id of your own; the same one twice makes one event')
    }),
    output: z.object({ id: z.string(), url: z.string(), created: z.boolean() }),

    exec: async (nango, input) => {
        const calendar = encodeURIComponent(input.calendar_id ?? 'primary');
        const moment = (text: string) => (/^\d{4}-\d{2}-\d{2}$/.test(text) ? { date: text } : { dateTime: text, timeZone: input.time_zone });
        try {
            // https://developers.google.com/workspace/calendar/api/v3/reference/events/insert
            const { data } = await nango.post<Created>({
                endpoint: `/calendar/v3/calendars/${calendar}/events`,
                params: { sendUpdates: input.attendees?.length ? 'all' : 'none' },
                data: {
                    id: input.event_id,
                    summary: input.title,
                    description: input.description,
                    location: input.location,
                    start: moment(input.start),
                    end: moment(input.end),
                    attendees: input.attendees?.map((email) => ({ email }))
                },
                // With an id of the caller's, a second attempt finds the event of the first; without, it would make another.
                retries: input.event_id ? 3 : 0
            });
            return { id: data.id, url: data.htmlLink, created: true };
        } catch (error) {
            if (!input.event_id || (error as { response?: { status: number } }).response?.status !== 409) throw error;
            const { data } = await nango.get<Created>({ endpoint: `/calendar/v3/calendars/${calendar}/events/${input.event_id}`, retries: 3 });
            return { id: data.id, url: data.htmlLink, created: false };
        }
    }
});

export default action;

interface Created {
    id: string;
    htmlLink: string;
}
