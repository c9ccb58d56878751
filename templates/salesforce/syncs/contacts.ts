import { createSync } from 'nango';
import * as z from 'zod';

const Contact = z.object({
    id: z.string(),
    first_name: z.string().nullable(),
    last_name: z.string().nullable(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    title: z.string().nullable(),
    account_id: z.string().nullable(),
    owner_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

const FIELDS = ['Id', 'FirstName', 'LastName', 'Email', 'Phone', 'Title', 'AccountId', 'OwnerId', 'CreatedDate', 'SystemModstamp', 'IsDeleted'];

/** A transaction may become visible some time after the moment it is stamped with; this much is read again in the next run. */
const OVERLAP_MS = 5 * 60_000;

/**
 * Reads by `SystemModstamp`, oldest change first, and asks again for what comes after the last one, so that a page cannot
 * expire and a run that is interrupted goes on where it was. `queryAll` also shows what is in the recycle bin.
 */
const sync = createSync({
    description: 'Contacts with their accounts; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['api', 'refresh_token'],
    models: { Contact },
    checkpoint: z.object({ since: z.string(), id: z.string() }),

    exec: async (nango) => {
        let { since, id } = { since: '', id: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            // Several may have been changed in the same moment: of those, the ones after the last id are left.
            const after = id ? `WHERE SystemModstamp > ${since} OR (SystemModstamp = ${since} AND Id > '${id}')` : '';
            const where = id ? after : since ? `WHERE SystemModstamp >= ${since}` : '';
            const query = `SELECT ${FIELDS.join(', ')} FROM Contact ${where} ORDER BY SystemModstamp, Id LIMIT 2000`;
            // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
            const { data } = await nango.get<{ records: SalesforceContact[]; done: boolean }>({
                endpoint: '/services/data/v61.0/queryAll',
                params: { q: query.replace(/ {2,}/g, ' ') },
                retries: 5
            });
            const live = data.records.filter((record) => !record.IsDeleted);
            const gone = data.records.filter((record) => record.IsDeleted);
            await nango.batchSave(live.map(toRecord), 'Contact');
            await nango.batchDelete(gone.map((record) => ({ id: record.Id })), 'Contact');
            const last = data.records.at(-1);
            if (!last) break;
            since = utc(last.SystemModstamp);
            id = last.Id;
            await nango.saveCheckpoint({ since, id });
        }
        if (id) await nango.saveCheckpoint({ since: new Date(Date.parse(since) - OVERLAP_MS).toISOString(), id: '' });
    }
});

export default sync;

interface SalesforceContact {
    Id: string;
    FirstName: string | null;
    LastName: string | null;
    Email: string | null;
    Phone: string | null;
    Title: string | null;
    AccountId: string | null;
    OwnerId: string | null;
    CreatedDate: string;
    SystemModstamp: string;
    IsDeleted: boolean;
}

/** Salesforce writes `+0000`, which a query does not take. */
function utc(text: string): string {
    return new Date(text.replace('+0000', 'Z')).toISOString();
}

function toRecord(record: SalesforceContact): z.infer<typeof Contact> {
    return {
        id: record.Id,
        first_name: record.FirstName,
        last_name: record.LastName,
        email: record.Email,
        phone: record.Phone,
        title: record.Title,
        account_id: record.AccountId,
        owner_id: record.OwnerId,
        created_at: utc(record.CreatedDate),
        updated_at: utc(record.SystemModstamp)
    };
}
