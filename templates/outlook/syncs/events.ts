import { createSync } from 'nango';
import * as z from 'zod';

const Event = z.object({
    id: z.string(),
    title: z.string().nullable(),
    location: z.string().nullable(),
    start: z.string().nullable(),
    end: z.string().nullable(),
    all_day: z.boolean(),
    organizer: z.string().nullable(),
    attendees: z.array(z.string()),
    cancelled: z.boolean(),
    url: z.string().nullable()
});

/**
 * Microsoft Graph gives links: `nextLink` to the next page, `deltaLink` after the last one, which answers what changed since.
 * When a link is too old (410), everything is read again, and what is gone is deleted.
 */
const sync = createSync({
    description: 'Events of the calendar from a month ago to half a year ahead; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['Calendars.Read'],
    models: { Event },
    checkpoint: z.object({ link_1: z.string(), link_2: z.string(), delta: z.boolean(), window: z.number() }),

    exec: async (nango) => {
        let state: State = { link: '', delta: false, window: 0 };
        const saved = await nango.getCheckpoint();
        if (saved) state = { ...saved, link: saved.link_1 + saved.link_2 };
        const save = async ({ link, ...rest }: State) => {
            // A text of a checkpoint has at most 4,000 characters, and links can be longer.
            await nango.saveCheckpoint({ ...rest, link_1: link.slice(0, 4000), link_2: link.slice(4000) });
        };
        if (Date.now() - state.window > WINDOW_LASTS_MS) {
            state = { link: '', delta: false, window: Math.floor(Date.now() / DAY_MS) * DAY_MS };
            await save(state);
        }
        for (;;) {
            if (!state.delta) await nango.trackDeletesStart('Event');
            let page: DeltaPage;
            try {
                // https://learn.microsoft.com/en-us/graph/delta-query-events
                const { data } = await nango.get<DeltaPage>({
                    endpoint: state.link ? path(state.link) : START(state.window),
                    headers: { prefer: 'odata.maxpagesize=100, outlook.timezone="UTC"' },
                    retries: 5
                });
                page = data;
            } catch (error) {
                if (!state.link || (error as { response?: { status: number } }).response?.status !== 410) throw error;
                await nango.log('The delta link is no longer valid; everything is read again', { level: 'warn' });
                state = { ...state, link: '', delta: false };
                await save(state);
                continue;
            }
            const gone = page.value.filter((item) => item['@removed']);
            const live = page.value.filter((item) => !item['@removed']);
            await nango.batchSave(live.map(toRecord), 'Event');
            await nango.batchDelete(gone.map(({ id }) => ({ id })), 'Event');
            const next = page['@odata.nextLink'];
            if (next) {
                state = { ...state, link: next };
                await save(state);
                continue;
            }
            if (!state.delta) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await save({ ...state, link: '' });
                await nango.trackDeletesEnd('Event');
            }
            await save({ ...state, link: page['@odata.deltaLink'] ?? '', delta: page['@odata.deltaLink'] !== undefined });
            return;
        }
    }
});

export default sync;

const DAY_MS = 24 * 3600_000;

/** The window is fixed in a link, so after a week it moves: everything is read again, and what left it is deleted. */
const WINDOW_LASTS_MS = 7 * DAY_MS;

const START = (from: number) => {
    const [start, end] = [from - 30 * DAY_MS, from + 180 * DAY_MS].map((time) => new Date(time).toISOString());
    return `/v1.0/me/calendarView/delta?startDateTime=${start}&endDateTime=${end}`;
};

interface GraphMoment {
    dateTime: string;
}

/** In UTC, which is asked for in a header. */
function moment(value: GraphMoment | undefined): string | null {
    return value ? `${value.dateTime.replace(/\.0+$/, '')}Z` : null;
}

interface State {
    link: string;
    /** Whether the link answers changes; otherwise it is a page of the first read. */
    delta: boolean;
    /** The day around which events are read, in milliseconds. */
    window: number;
}

interface DeltaPage {
    value: GraphEvent[];
    '@odata.nextLink'?: string;
    '@odata.deltaLink'?: string;
}

interface GraphEvent {
    id: string;
    '@removed'?: { reason: string };
    subject?: string | null;
    location?: { displayName?: string };
    start?: GraphMoment;
    end?: GraphMoment;
    isAllDay?: boolean;
    organizer?: { emailAddress: { address: string } };
    attendees?: { emailAddress: { address: string } }[];
    isCancelled?: boolean;
    webLink?: string;
}

/** Links are absolute; the proxy knows the host. */
function path(link: string): string {
    const url = new URL(link);
    return url.pathname + url.search;
}

function toRecord(item: GraphEvent): z.infer<typeof Event> {
    return {
        id: item.id,
        title: item.subject ?? null,
        location: item.location?.displayName || null,
        start: moment(item.start),
        end: moment(item.end),
        all_day: item.isAllDay ?? false,
        organizer: item.organizer?.emailAddress.address ?? null,
        attendees: (item.attendees ?? []).map(({ emailAddress }) => emailAddress.address),
        cancelled: item.isCancelled ?? false,
        url: item.webLink ?? null
    };
}
