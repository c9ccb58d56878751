import { createSync } from 'nango';
import * as z from 'zod';

const Ticket = z.object({
    id: z.string(),
    subject: z.string().nullable(),
    description: z.string().nullable(),
    status: z.string(),
    priority: z.string().nullable(),
    type: z.string().nullable(),
    requester_id: z.string().nullable(),
    assignee_id: z.string().nullable(),
    tags: z.array(z.string()),
    created_at: z.string(),
    updated_at: z.string()
});

/**
 * The incremental export: a cursor that never ends. Its last page has one too, and the next run goes on with it. Zendesk
 * allows 10 such requests a minute, and waits are left to the platform.
 */
const sync = createSync({
    description: 'Tickets with their status, priority and people; changes and deletions are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['tickets:read'],
    models: { Ticket },
    checkpoint: z.object({ cursor: z.string() }),

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor ?? '';
        for (;;) {
            // https://developer.zendesk.com/api-reference/ticketing/ticket-management/incremental_exports/#incremental-ticket-export-cursor-based
            const { data } = await nango.get<ExportPage>({
                endpoint: '/api/v2/incremental/tickets/cursor.json',
                // Without a cursor, from the first day of the account on.
                params: cursor ? { cursor } : { start_time: 1 },
                retries: 10
            });
            const gone = data.tickets.filter(({ status }) => status === 'deleted');
            const live = data.tickets.filter((object) => !gone.includes(object));
            await nango.batchSave(live.map(toRecord), 'Ticket');
            await nango.batchDelete(gone.map(({ id }) => ({ id: String(id) })), 'Ticket');
            const before = cursor;
            cursor = data.after_cursor ?? cursor;
            if (cursor) await nango.saveCheckpoint({ cursor });
            if (data.end_of_stream || cursor === before) return;
        }
    }
});

export default sync;

interface ExportPage {
    tickets: ZendeskTicket[];
    after_cursor: string | null;
    end_of_stream: boolean;
}

interface ZendeskTicket {
    id: number;
    created_at: string;
    updated_at: string;
    subject: string | null;
    description: string | null;
    status: string;
    priority: string | null;
    type: string | null;
    requester_id: number | null;
    assignee_id: number | null;
    tags: string[];
}

function toRecord(object: ZendeskTicket): z.infer<typeof Ticket> {
    return {
        id: String(object.id),
        subject: object.subject,
        description: object.description,
        status: object.status,
        priority: object.priority,
        type: object.type,
        requester_id: text(object.requester_id),
        assignee_id: text(object.assignee_id),
        tags: object.tags,
        created_at: object.created_at,
        updated_at: object.updated_at
    };
}

function text(id: number | null): string | null {
    return id === null ? null : String(id);
}
