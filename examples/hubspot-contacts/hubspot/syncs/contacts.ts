import { createSync } from 'nango';
import * as z from 'zod';

import { Contact, modifiedAt, PROPERTIES, toContact, type HubspotContact } from '../helpers/contact.js';

/** The largest pages that HubSpot gives. */
const LIST_PAGE = 100;
const SEARCH_PAGE = 200;

/** A change shows up in the search a few seconds after it was made. This much is read again in the next run. */
const SEARCH_DELAY_MS = 10_000;

/**
 * Keeps a copy of every contact, in three phases that share one checkpoint:
 *
 * 1. `list`, once: all contacts, page by page.
 * 2. `search`, in every run: what changed since, oldest change first. It begins at the moment before the list began, so
 *    changes made while the list was read are not lost.
 * 3. `archived`, in every run: contacts that were deleted.
 *
 * The checkpoint is saved after every page, so a run that is interrupted goes on with the page it had not finished.
 */
const sync = createSync({
    description: 'Contacts with their names, companies and stages; changes and deletions within minutes.',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['crm.objects.contacts.read'],
    models: { Contact },
    checkpoint: z.object({
        phase: z.string(),
        /** Where the list, or the list of archived contacts, goes on. */
        after: z.string(),
        /** Every change made before this moment (milliseconds) is saved. */
        since: z.number(),
        /** Of those changed exactly at `since`, the ones with an id up to this are saved too; -1 when that is not known. */
        since_id: z.number()
    }),

    exec: async (nango) => {
        let state = readState(await nango.getCheckpoint());
        const save = async (contacts: HubspotContact[], next: State) => {
            await nango.batchSave(contacts.map(toContact), 'Contact');
            await nango.saveCheckpoint(next);
            state = next;
        };

        while (state.phase === 'list') {
            // https://developers.hubspot.com/docs/reference/api/crm/objects/contacts#get-%2Fcrm%2Fv3%2Fobjects%2Fcontacts
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
            // The search gives 10,000 results per query and refuses to page further, and paging by position would skip
            // contacts that move while it goes on. So there is no paging: each request asks for what comes after the
            // last contact that was saved. The window slides on by time, and inside one millisecond by id.
            const inside = state.since_id >= 0;
            const filters = inside
                ? [filter('lastmodifieddate', 'EQ', state.since), filter('hs_object_id', 'GT', state.since_id)]
                : [filter('lastmodifieddate', 'GTE', state.since)];
            // https://developers.hubspot.com/docs/api-reference/search/guide
            const response = await nango.post<SearchAnswer>({
                endpoint: '/crm/v3/objects/contacts/search',
                data: {
                    filterGroups: [{ filters }],
                    sorts: [{ propertyName: inside ? 'hs_object_id' : 'lastmodifieddate', direction: 'ASCENDING' }],
                    properties: PROPERTIES,
                    limit: SEARCH_PAGE
                },
                retries: 5
            });
            const contacts = response.data.results;
            await save(contacts, afterSearch(state, contacts, serverTime(response)));
        }

        while (state.phase === 'archived') {
            // There is no filter by time here: all contacts deleted in the last 90 days (after that HubSpot forgets
            // them) are listed in every run, and those that are still live in our copy are deleted from it.
            const response = await nango.get<ListAnswer>({
                endpoint: '/crm/v3/objects/contacts',
                params: { limit: LIST_PAGE, archived: 'true', ...(state.after && { after: state.after }) },
                retries: 5
            });
            const ids = response.data.results.map((contact) => contact.id);
            const known = await nango.getRecordsByIds<string, SavedContact>(ids, 'Contact');
            const deleted = ids.filter((id) => known.has(id) && known.get(id)?._nango_metadata.last_action !== 'DELETED');
            await nango.batchDelete(deleted.map((id) => ({ id })), 'Contact');

            const after = response.data.paging?.next?.after ?? '';
            state = after ? { ...state, after } : { ...state, phase: 'done', after: '' };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface State {
    phase: string;
    after: string;
    since: number;
    since_id: number;
}

interface ListAnswer {
    results: HubspotContact[];
    paging?: { next?: { after: string } };
}

interface SearchAnswer {
    total: number;
    results: HubspotContact[];
}

type SavedContact = Contact & { _nango_metadata: { last_action: string } };

/** Where to go on: at the last checkpoint, with a new search after a finished run, or from the beginning. */
function readState(checkpoint: Partial<State> | null): State {
    const state = { phase: 'list', after: '', since: 0, since_id: -1, ...checkpoint };
    return state.phase === 'done' ? { ...state, phase: 'search' } : state;
}

/** Where the search goes on after a page that was answered at `now`. */
function afterSearch(state: State, page: HubspotContact[], now: number): State {
    const last = page.at(-1);
    const full = last !== undefined && page.length === SEARCH_PAGE;
    if (state.since_id >= 0) {
        // Inside one millisecond: on by id while pages are full, then on with the next millisecond.
        return full ? { ...state, since_id: Number(last.id) } : { ...state, since: state.since + 1, since_id: -1 };
    }
    if (!full) {
        // The present is reached.
        return { ...state, phase: 'archived', after: '', since: now - SEARCH_DELAY_MS };
    }
    // The millisecond of the last contact may hold more than this page had room for, so the next page begins with it.
    // When a whole page lies in one millisecond, time cannot divide it: ids do, from the lowest one on.
    const reached = modifiedAt(last);
    return reached > state.since ? { ...state, since: reached } : { ...state, since_id: 0 };
}

/** A search filter. HubSpot takes all operands as texts. */
function filter(propertyName: string, operator: string, value: number) {
    return { propertyName, operator, value: String(value) };
}

/** The time by HubSpot's clock, which is the one that stamps changes. */
function serverTime(response: { headers: Record<string, unknown> }): number {
    return Date.parse(String(response.headers['date'])) || Date.now();
}
