import { createSync } from 'nango';
import * as z from 'zod';

const Contact = z.object({
    id: z.string(),
    email: z.string().nullable(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    phone: z.string().nullable(),
    company: z.string().nullable(),
    lifecycle_stage: z.string().nullable(),
    owner_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

const PROPERTIES = ['email', 'firstname', 'lastname', 'phone', 'company', 'lifecyclestage', 'hubspot_owner_id', 'lastmodifieddate'];

/** The largest pages that HubSpot gives. */
const LIST_PAGE = 100;
const SEARCH_PAGE = 200;

/** A change shows up in the search a few seconds after it was made; this much is read again in the next run. */
const SEARCH_DELAY_MS = 10_000;

/**
 * Three phases share one checkpoint, which is saved after every page:
 * `list` (once) reads everything; `search` (every run) reads what changed since the list began, oldest first;
 * `archived` (every run) finds what was deleted.
 */
const sync = createSync({
    description: 'Contacts with names, companies and stages; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['crm.objects.contacts.read'],
    models: { Contact },
    checkpoint: z.object({ phase: z.string(), after: z.string(), since: z.number(), since_id: z.number() }),

    exec: async (nango) => {
        let state: State = { phase: 'list', after: '', since: 0, since_id: -1, ...(await nango.getCheckpoint()) };
        if (state.phase === 'done') state = { ...state, phase: 'search' };
        const save = async (objects: HubspotObject[], next: State) => {
            await nango.batchSave(objects.map(toRecord), 'Contact');
            await nango.saveCheckpoint(next);
            state = next;
        };

        while (state.phase === 'list') {
            // https://developers.hubspot.com/docs/api-reference/crm-contacts-v3/basic/get-crm-v3-objects-contacts
            const response = await nango.get<ListAnswer>({
                endpoint: '/crm/v3/objects/contacts',
                params: { limit: LIST_PAGE, properties: PROPERTIES.join(','), ...(state.after && { after: state.after }) },
                retries: 5
            });
            const since = state.since || serverTime(response) - SEARCH_DELAY_MS;
            const after = response.data.paging?.next?.after ?? '';
            await save(response.data.results, { ...state, phase: after ? 'list' : 'search', after, since });
        }

        while (state.phase === 'search') {
            // HubSpot gives 10,000 results per query, and paging by position would skip what moves meanwhile. So each
            // request asks for what comes after the last object that was saved: by time, inside one millisecond by id.
            const inside = state.since_id >= 0;
            const filters = inside
                ? [filter('lastmodifieddate', 'EQ', state.since), filter('hs_object_id', 'GT', state.since_id)]
                : [filter('lastmodifieddate', 'GTE', state.since)];
            // https://developers.hubspot.com/docs/api-reference/search/guide
            const response = await nango.post<ListAnswer>({
                endpoint: '/crm/v3/objects/contacts/search',
                data: {
                    filterGroups: [{ filters }],
                    sorts: [{ propertyName: inside ? 'hs_object_id' : 'lastmodifieddate', direction: 'ASCENDING' }],
                    properties: PROPERTIES,
                    limit: SEARCH_PAGE
                },
                retries: 5
            });
            await save(response.data.results, afterSearch(state, response.data.results, serverTime(response)));
        }

        while (state.phase === 'archived') {
            // There is no filter by time: what was deleted in the last 90 days is listed in every run, and what is still
            // live in our copy is deleted from it.
            const response = await nango.get<ListAnswer>({
                endpoint: '/crm/v3/objects/contacts',
                params: { limit: LIST_PAGE, archived: 'true', ...(state.after && { after: state.after }) },
                retries: 5
            });
            const ids = response.data.results.map((object) => object.id);
            const known = await nango.getRecordsByIds<string, Saved>(ids, 'Contact');
            const deleted = ids.filter((id) => known.has(id) && known.get(id)?._nango_metadata.last_action !== 'DELETED');
            await nango.batchDelete(deleted.map((id) => ({ id })), 'Contact');
            const after = response.data.paging?.next?.after ?? '';
            state = { ...state, phase: after ? 'archived' : 'done', after };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface State {
    phase: string;
    /** Where the list, or the list of archived objects, goes on. */
    after: string;
    /** Every change made before this moment (milliseconds) is saved. */
    since: number;
    /** Of those changed exactly at `since`, the ones with an id up to this are saved too; -1 when that is not known. */
    since_id: number;
}

interface HubspotObject {
    id: string;
    properties: Record<string, string | null>;
    createdAt: string;
    updatedAt: string;
}

interface ListAnswer {
    results: HubspotObject[];
    paging?: { next?: { after: string } };
}

type Saved = z.infer<typeof Contact> & { _nango_metadata: { last_action: string } };

function toRecord({ id, properties, createdAt, updatedAt }: HubspotObject): z.infer<typeof Contact> {
    return {
        id,
        email: properties['email'] ?? null,
        first_name: properties['firstname'] ?? null,
        last_name: properties['lastname'] ?? null,
        phone: properties['phone'] ?? null,
        company: properties['company'] ?? null,
        lifecycle_stage: properties['lifecyclestage'] ?? null,
        owner_id: properties['hubspot_owner_id'] ?? null,
        created_at: createdAt,
        updated_at: updatedAt
    };
}

/** Where the search goes on after a page that was answered at `now`. */
function afterSearch(state: State, page: HubspotObject[], now: number): State {
    const last = page.at(-1);
    const full = last !== undefined && page.length === SEARCH_PAGE;
    if (state.since_id >= 0) {
        return full ? { ...state, since_id: Number(last.id) } : { ...state, since: state.since + 1, since_id: -1 };
    }
    if (!full) return { ...state, phase: 'archived', after: '', since: now - SEARCH_DELAY_MS };
    // The millisecond of the last object may hold more than this page had room for, so the next page begins with it.
    // When a whole page lies in one millisecond, ids divide it.
    const reached = Date.parse(last.properties['lastmodifieddate'] ?? last.updatedAt);
    return reached > state.since ? { ...state, since: reached } : { ...state, since_id: 0 };
}

/** HubSpot takes all operands as texts. */
function filter(propertyName: string, operator: string, value: number) {
    return { propertyName, operator, value: String(value) };
}

/** The time by HubSpot's clock, which is the one that stamps changes. */
function serverTime(response: { headers: Record<string, unknown> }): number {
    return Date.parse(String(response.headers['date'])) || Date.now();
}
