import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Deletes an event. One that is gone already is no error.',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/calendar.events'],
    input: z.object({ calendar_id: z.string().optional(), event_id: z.string(), notify: z.boolean().optional() }),
    output: z.object({ deleted: z.boolean() }),

    exec: async (nango, { calendar_id, event_id, notify }) => {
        try {
            // https://developers.google.com/workspace/calendar/api/v3/reference/events/delete
            await nango.delete({
                endpoint: `/calendar/v3/calendars/${encodeURIComponent(calendar_id ?? 'primary')}/events/${encodeURIComponent(event_id)}`,
                params: { sendUpdates: notify ? 'all' : 'none' },
                retries: 3
            });
            return { deleted: true };
        } catch (error) {
            const status = (error as { response?: { status: number } }).response?.status;
            if (status === 404 || status === 410) return { deleted: false };
            throw error;
        }
    }
});

export default action;
