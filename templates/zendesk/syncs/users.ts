import { createSync } from 'nango';
import * as z from 'zod';

const User = z.object({
    id: z.string(),
    name: z.string(),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    role: z.string(),
    organization_id: z.string().nullable(),
    suspended: z.boolean(),
    created_at: z.string(),
    updated_at: z.string()
});

/**
 * The incremental export: a cursor that never ends. Its last page has one too, and the next run goes on with it. Zendesk
 * allows 10 such requests a minute, and waits are left to the platform.
 */
const sync = createSync({
    description: 'Customers and agents; changes are followed, deleted ones are deleted.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['users:read'],
    models: { User },
    checkpoint: z.object({ cursor: z.string() }),

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor ?? '';
        for (;;) {
            // https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-user-export-cursor-based
            const { data } = await nango.get<ExportPage>({
                endpoint: '/api/v2/incremental/users/cursor.json',
                // Without a cursor, from the first day of the account on.
                params: cursor ? { cursor } : { start_time: 1 },
                retries: 10
            });
            const gone = data.users.filter(({ active }) => !active);
            const live = data.users.filter((object) => !gone.includes(object));
            await nango.batchSave(live.map(toRecord), 'User');
            await nango.batchDelete(gone.map(({ id }) => ({ id: String(id) })), 'User');
            const before = cursor;
            cursor = data.after_cursor ?? cursor;
            if (cursor) await nango.saveCheckpoint({ cursor });
            if (data.end_of_stream || cursor === before) return;
        }
    }
});

export default sync;

interface ExportPage {
    users: ZendeskUser[];
    after_cursor: string | null;
    end_of_stream: boolean;
}

interface ZendeskUser {
    id: number;
    created_at: string;
    updated_at: string;
    name: string;
    email: string | null;
    phone: string | null;
    role: string;
    organization_id: number | null;
    suspended: boolean;
    active: boolean;
}

function toRecord(object: ZendeskUser): z.infer<typeof User> {
    return {
        id: String(object.id),
        name: object.name,
        email: object.email,
        phone: object.phone,
        role: object.role,
        organization_id: object.organization_id === null ? null : String(object.organization_id),
        suspended: object.suspended,
        created_at: object.created_at,
        updated_at: object.updated_at
    };
}
