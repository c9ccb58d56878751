import { createSync } from 'nango';
import * as z from 'zod';

const Calendar = z.object({
    id: z.string(),
    name: z.string(),
    description: z.string().nullable(),
    time_zone: z.string().nullable(),
    primary: z.boolean(),
    access_role: z.string()
});

/** The list is short, so every run reads all of it and deletes what is gone. */
const sync = createSync({
    description: 'Calendars on the list of the user.',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['https://www.googleapis.com/auth/calendar.calendarlist.readonly'],
    models: { Calendar },

    exec: async (nango) => {
        await nango.trackDeletesStart('Calendar');
        // https://developers.google.com/workspace/calendar/api/v3/reference/calendarList/list
        const pages = nango.paginate<GoogleCalendar>({
            endpoint: '/calendar/v3/users/me/calendarList',
            paginate: {
                type: 'cursor',
                cursor_path_in_response: 'nextPageToken',
                cursor_name_in_request: 'pageToken',
                response_path: 'items',
                limit_name_in_request: 'maxResults',
                limit: 250
            },
            retries: 5
        });
        for await (const page of pages) {
            await nango.batchSave(page.map(toRecord), 'Calendar');
        }
        await nango.trackDeletesEnd('Calendar');
    }
});

export default sync;

interface GoogleCalendar {
    id: string;
    summary: string;
    summaryOverride?: string;
    description?: string;
    timeZone?: string;
    primary?: boolean;
    accessRole: string;
}

function toRecord(calendar: GoogleCalendar): z.infer<typeof Calendar> {
    return {
        id: calendar.id,
        name: calendar.summaryOverride ?? calendar.summary,
        description: calendar.description ?? null,
        time_zone: calendar.timeZone ?? null,
        primary: calendar.primary ?? false,
        access_role: calendar.accessRole
    };
}
