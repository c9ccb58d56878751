import { createSync } from 'nango';
import * as z from 'zod';

const Event = z.object({
    id: z.string(),
    calendar: z.string(),
    title: z.string().nullable(),
    description: z.string().nullable(),
    location: z.string().nullable(),
    status: z.string(),
    /** A moment, or a date for events of whole days. */
    start: z.string().nullable(),
    end: z.string().nullable(),
    organizer: z.string().nullable(),
    attendees: z.array(z.object({ email: z.string(), response: z.string() })),
    recurring_event: z.string().nullable(),
    url: z.string().nullable(),
    updated_at: z.string().nullable()
});

/**
 * Google gives a token after the last page, and with it only what changed since, deleted events too. When the token is too
 * old (410), everything is read again, and what is gone is deleted.
 */
const sync = createSync({
    description: 'Events of one calendar; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['https://www.googleapis.com/auth/calendar.events.readonly'],
    metadata: z.object({ calendar_id: z.string().optional().describe('the primary calendar, when not given') }),
    models: { Event },
    checkpoint: z.object({ sync_token: z.string(), page_token: z.string() }),

    exec: async (nango) => {
        const calendar = (await nango.getMetadata())?.calendar_id ?? 'primary';
        let state = { sync_token: '', page_token: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            if (!state.sync_token) await nango.trackDeletesStart('Event');
            let page: EventsPage;
            try {
                // https://developers.google.com/workspace/calendar/api/v3/reference/events/list
                const response = await nango.get<EventsPage>({
                    endpoint: `/calendar/v3/calendars/${encodeURIComponent(calendar)}/events`,
                    params: {
                        maxResults: 250,
                        ...(state.sync_token && { syncToken: state.sync_token }),
                        ...(state.page_token && { pageToken: state.page_token })
                    },
                    retries: 5
                });
                page = response.data;
            } catch (error) {
                if (statusOf(error) !== 410 || !(state.sync_token || state.page_token)) throw error;
                // https://developers.google.com/workspace/calendar/api/guides/sync#full_sync_required_by_server
                await nango.log('The sync token is no longer valid; all events are read again', { level: 'warn' });
                state = { sync_token: '', page_token: '' };
                await nango.saveCheckpoint(state);
                continue;
            }
            const items = page.items ?? [];
            const live = items.filter((event) => event.status !== 'cancelled');
            const gone = items.filter((event) => event.status === 'cancelled');
            await nango.batchSave(live.map((event) => toRecord(calendar, event)), 'Event');
            await nango.batchDelete(gone.map(({ id }) => ({ id })), 'Event');
            if (page.nextPageToken) {
                state = { ...state, page_token: page.nextPageToken };
                await nango.saveCheckpoint(state);
                continue;
            }
            if (!state.sync_token) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await nango.saveCheckpoint({ sync_token: '', page_token: '' });
                await nango.trackDeletesEnd('Event');
            }
            await nango.saveCheckpoint({ sync_token: page.nextSyncToken ?? state.sync_token, page_token: '' });
            return;
        }
    }
});

export default sync;

interface EventsPage {
    items?: GoogleEvent[];
    nextPageToken?: string;
    nextSyncToken?: string;
}

interface GoogleEvent {
    id: string;
    status: string;
    summary?: string;
    description?: string;
    location?: string;
    start?: { date?: string; dateTime?: string };
    end?: { date?: string; dateTime?: string };
    organizer?: { email?: string };
    attendees?: { email: string; responseStatus: string }[];
    recurringEventId?: string;
    htmlLink?: string;
    updated?: string;
}

function toRecord(calendar: string, event: GoogleEvent): z.infer<typeof Event> {
    return {
        id: event.id,
        calendar,
        title: event.summary ?? null,
        description: event.description ?? null,
        location: event.location ?? null,
        status: event.status,
        start: event.start?.dateTime ?? event.start?.date ?? null,
        end: event.end?.dateTime ?? event.end?.date ?? null,
        organizer: event.organizer?.email ?? null,
        attendees: (event.attendees ?? []).map(({ email, responseStatus }) => ({ email, response: responseStatus })),
        recurring_event: event.recurringEventId ?? null,
        url: event.htmlLink ?? null,
        updated_at: event.updated ?? null
    };
}

function statusOf(error: unknown): number | undefined {
    return (error as { response?: { status: number } }).response?.status;
}
