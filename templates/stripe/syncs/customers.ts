import { createSync } from 'nango';
import * as z from 'zod';

const Customer = z.object({
    id: z.string(),
    name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    currency: z.string().nullable(),
    balance: z.number(),
    delinquent: z.boolean(),
    metadata: z.record(z.string(), z.string()),
    created_at: z.string()
});

/** An event may show up late and out of order; this much is read again in the next run. */
const OVERLAP_SECONDS = 600;

/** Stripe keeps events for 30 days. */
const EVENTS_KEPT_SECONDS = 29 * 24 * 3600;

/**
 * `list` reads every customer once, newest first. `events` then follows what happened since the list began. When the last run
 * is longer ago than Stripe keeps events, everything is read again, and what is gone is deleted.
 */
const sync = createSync({
    description: 'Customers; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['read_only'],
    models: { Customer },
    checkpoint: z.object({ phase: z.string(), after: z.string(), since: z.number(), began: z.number() }),

    exec: async (nango) => {
        let state = { phase: 'list', after: '', since: 0, began: 0, ...(await nango.getCheckpoint()) };
        for (;;) {
            if (state.phase === 'list') await nango.trackDeletesStart('Customer');
            if (state.phase === 'events') {
                // https://docs.stripe.com/api/events/list
                const response = await nango.get<List<StripeEvent>>({
                    endpoint: '/v1/events',
                    params: {
                        limit: 100,
                        type: 'customer.*',
                        'created[gte]': state.since,
                        ...(state.after && { starting_after: state.after })
                    },
                    retries: 5
                });
                const now = seconds(response);
                if (now - state.since > EVENTS_KEPT_SECONDS) {
                    state = { phase: 'list', after: '', since: 0, began: 0 };
                    await nango.saveCheckpoint(state);
                    continue;
                }
                const { data, has_more } = response.data;
                // An event holds its object as it was then, and pages come newest first. So what changed is read as it is now.
                const ids = new Set(data.flatMap((event) => owner(event.data.object) ?? []));
                const records: z.infer<typeof Customer>[] = [];
                const gone: { id: string }[] = [];
                for (const id of ids) {
                    try {
                        // https://docs.stripe.com/api/customers/retrieve
                        const { data: object } = await nango.get<StripeCustomer>({ endpoint: `/v1/customers/${id}`, retries: 5 });
                        if (object.deleted) gone.push({ id });
                        else records.push(toRecord(object));
                    } catch (error) {
                        if ((error as { response?: { status: number } }).response?.status !== 404) throw error;
                        gone.push({ id });
                    }
                }
                await nango.batchSave(records, 'Customer');
                await nango.batchDelete(gone, 'Customer');
                const began = state.began || now;
                if (!has_more) {
                    await nango.saveCheckpoint({ phase: 'events', after: '', since: began - OVERLAP_SECONDS, began: 0 });
                    return;
                }
                state = { ...state, began, after: data.at(-1)?.id ?? '' };
                await nango.saveCheckpoint(state);
                continue;
            }

            // https://docs.stripe.com/api/customers/list
            const response = await nango.get<List<StripeCustomer>>({
                endpoint: '/v1/customers',
                params: { limit: 100, ...(state.after && { starting_after: state.after }) },
                retries: 5
            });
            const { data, has_more } = response.data;
            await nango.batchSave(data.map(toRecord), 'Customer');
            const since = state.since || seconds(response) - OVERLAP_SECONDS;
            const after = has_more ? (data.at(-1)?.id ?? '') : '';
            if (!after) {
                // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
                await nango.saveCheckpoint({ phase: 'list', after: '', since: 0, began: 0 });
                await nango.trackDeletesEnd('Customer');
            }
            state = { phase: after ? 'list' : 'events', after, since, began: 0 };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface List<T> {
    data: T[];
    has_more: boolean;
}

interface StripeEvent {
    id: string;
    type: string;
    created: number;
    data: { object: { id: string; object: string; customer?: string } };
}

/** Events of what belongs to a customer count too, such as `customer.subscription.updated`. */
function owner(object: StripeEvent['data']['object']): string | undefined {
    return object.object === 'customer' ? object.id : object.customer;
}

interface StripeCustomer {
    id: string;
    deleted?: boolean;
    created: number;
    name: string | null;
    email: string | null;
    phone: string | null;
    currency?: string | null;
    balance: number;
    delinquent?: boolean | null;
    metadata: Record<string, string>;
}

/** The time by Stripe's clock, which is the one that stamps events. */
function seconds(response: { headers: Record<string, unknown> }): number {
    return Math.floor((Date.parse(String(response.headers['date'])) || Date.now()) / 1000);
}

function toRecord(object: StripeCustomer): z.infer<typeof Customer> {
    return {
        id: object.id,
        name: object.name,
        email: object.email,
        phone: object.phone,
        currency: object.currency ?? null,
        balance: object.balance,
        delinquent: object.delinquent ?? false,
        metadata: object.metadata,
        created_at: new Date(object.created * 1000).toISOString()
    };
}
