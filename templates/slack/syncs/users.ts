import { createSync } from 'nango';
import * as z from 'zod';

const User = z.object({
    id: z.string(),
    name: z.string(),
    real_name: z.string().nullable(),
    email: z.string().nullable(),
    title: z.string().nullable(),
    time_zone: z.string().nullable(),
    bot: z.boolean(),
    admin: z.boolean(),
    deactivated: z.boolean(),
    updated_at: z.string()
});

/** Slack lists without any order by time, so every run reads all pages, and deletes what it did not see. */
const sync = createSync({
    description: 'People and bots of the workspace, deactivated ones too.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    scopes: ['users:read', 'users:read.email'],
    models: { User },
    checkpoint: z.object({ cursor: z.string() }),

    exec: async (nango) => {
        let cursor = (await nango.getCheckpoint())?.cursor ?? '';
        await nango.trackDeletesStart('User');
        for (;;) {
            // https://docs.slack.dev/reference/methods/users.list
            const { data } = await nango.get<ListAnswer>({
                endpoint: '/users.list',
                params: { limit: 200, ...(cursor && { cursor }) },
                retries: 5
            });
            if (data.error === 'invalid_cursor' && cursor) {
                // Cursors live for minutes. The list is read from its beginning; what was seen stays seen.
                cursor = '';
                await nango.saveCheckpoint({ cursor });
                continue;
            }
            // Slack says 200 to everything, and what is wrong in the body.
            if (!data.ok) throw new nango.ActionError({ message: `Slack refused the list: ${data.error}`, error: data.error });
            await nango.batchSave(data.members.map(toRecord), 'User');
            cursor = data.response_metadata?.next_cursor ?? '';
            await nango.saveCheckpoint({ cursor });
            if (!cursor) break;
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('User');
    }
});

export default sync;

interface ListAnswer {
    ok: boolean;
    error?: string;
    members: SlackUser[];
    response_metadata?: { next_cursor?: string };
}

interface SlackUser {
    id: string;
    name: string;
    real_name?: string;
    profile: { email?: string; title?: string; real_name?: string };
    tz?: string;
    is_bot: boolean;
    is_admin?: boolean;
    deleted: boolean;
    updated: number;
}

function toRecord(user: SlackUser): z.infer<typeof User> {
    return {
        id: user.id,
        name: user.name,
        real_name: user.real_name ?? user.profile.real_name ?? null,
        email: user.profile.email ?? null,
        title: user.profile.title || null,
        time_zone: user.tz ?? null,
        bot: user.is_bot,
        admin: user.is_admin ?? false,
        deactivated: user.deleted,
        updated_at: new Date(user.updated * 1000).toISOString()
    };
}
