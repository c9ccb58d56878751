import { createSync } from 'nango';
import * as z from 'zod';

const Team = z.object({ id: z.string(), key: z.string(), name: z.string(), description: z.string().nullable(), private: z.boolean() });

const QUERY = `query Teams($after: String) {
  teams(first: 100, after: $after) {
    nodes { id key name description private }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Teams are few: every run reads all of them and deletes what is gone. */
const sync = createSync({
    description: 'Teams of the workspace.',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['read'],
    models: { Team },

    exec: async (nango) => {
        await nango.trackDeletesStart('Team');
        let after: string | null = null;
        do {
            // https://linear.app/developers/pagination
            const response: { data: TeamsAnswer } = await nango.post<TeamsAnswer>({
                endpoint: '/graphql',
                data: { query: QUERY, variables: after === null ? {} : { after } },
                // It only reads.
                retries: 5
            });
            const { data, errors } = response.data;
            if (!data) throw new nango.ActionError({ message: errors?.[0]?.message ?? 'Linear gave no data' });
            await nango.batchSave(data.teams.nodes, 'Team');
            after = data.teams.pageInfo.hasNextPage ? data.teams.pageInfo.endCursor : null;
        } while (after !== null);
        await nango.trackDeletesEnd('Team');
    }
});

export default sync;

interface TeamsAnswer {
    data?: { teams: { nodes: z.infer<typeof Team>[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } } | null;
    errors?: { message: string }[];
}
