import { createSync } from 'nango';
import * as z from 'zod';

const Account = z.object({
    id: z.string(),
    name: z.string().nullable(),
    website: z.string().nullable(),
    industry: z.string().nullable(),
    city: z.string().nullable(),
    country: z.string().nullable(),
    employees: z.number().nullable(),
    owner_id: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

const FIELDS = ['Id', 'Name', 'Website', 'Industry', 'BillingCity', 'BillingCountry', 'NumberOfEmployees', 'OwnerId', 'CreatedDate', 'SystemModstamp', 'IsDeleted'];

/** A transaction may become visible some time after the moment it is stamped with; this much is read again in the next run. */
const OVERLAP_MS = 5 * 60_000;

/**
 * Reads by `SystemModstamp`, oldest change first, and asks again for what comes after the last one, so that a page cannot
 * expire and a run that is interrupted goes on where it was. `queryAll` also shows what is in the recycle bin.
 */
const sync = createSync({
    description: 'Accounts with industries and sites; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['api', 'refresh_token'],
    models: { Account },
    checkpoint: z.object({ since: z.string(), id: z.string() }),

    exec: async (nango) => {
        let { since, id } = { since: '', id: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            // Several may have been changed in the same moment: of those, the ones after the last id are left.
            const after = id ? `WHERE SystemModstamp > ${since} OR (SystemModstamp = ${since} AND Id > '${id}')` : '';
            const where = id ? after : since ? `WHERE SystemModstamp >= ${since}` : '';
            const query = `SELECT ${FIELDS.join(', ')} FROM Account ${where} ORDER BY SystemModstamp, Id LIMIT 2000`;
            // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm
            const { data } = await nango.get<{ records: SalesforceAccount[]; done: boolean }>({
                endpoint: '/services/data/v61.0/queryAll',
                params: { q: query.replace(/ {2,}/g, ' ') },
                retries: 5
            });
            const live = data.records.filter((record) => !record.IsDeleted);
            const gone = data.records.filter((record) => record.IsDeleted);
            await nango.batchSave(live.map(toRecord), 'Account');
            await nango.batchDelete(gone.map((record) => ({ id: record.Id })), 'Account');
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

interface SalesforceAccount {
    Id: string;
    Name: string | null;
    Website: string | null;
    Industry: string | null;
    BillingCity: string | null;
    BillingCountry: string | null;
    NumberOfEmployees: number | null;
    OwnerId: string | null;
    CreatedDate: string;
    SystemModstamp: string;
    IsDeleted: boolean;
}

/** Salesforce writes `+0000`, which a query does not take. */
function utc(text: string): string {
    return new Date(text.replace('+0000', 'Z')).toISOString();
}

function toRecord(record: SalesforceAccount): z.infer<typeof Account> {
    return {
        id: record.Id,
        name: record.Name,
        website: record.Website,
        industry: record.Industry,
        city: record.BillingCity,
        country: record.BillingCountry,
        employees: record.NumberOfEmployees,
        owner_id: record.OwnerId,
        created_at: utc(record.CreatedDate),
        updated_at: utc(record.SystemModstamp)
    };
}
