import { createSync } from 'nango';
import * as z from 'zod';

const Issue = z.object({
    id: z.string(),
    identifier: z.string(),
    title: z.string(),
    description: z.string().nullable(),
    priority: z.number(),
    state: z.string(),
    team: z.string(),
    assignee: z.string().nullable(),
    labels: z.array(z.string()),
    url: z.string(),
    due_date: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

// Archived issues are listed too, so that an issue that is put away or deleted is seen as a change.
const QUERY = `query Issues($filter: IssueFilter, $after: String) {
  issues(first: 100, after: $after, filter: $filter, orderBy: updatedAt, includeArchived: true) {
    nodes {
      id identifier title description priority url dueDate createdAt updatedAt archivedAt trashed
      state { name } team { key } assignee { email } labels { nodes { name } }
    }
    pageInfo { hasNextPage endCursor }
  }
}`;

/** Changes made while pages are read are read again: the next run begins at the moment this one did, less a minute. */
const OVERLAP_MS = 60_000;

const sync = createSync({
    description: 'Issues of all teams; changes are followed, archived and deleted issues are deleted.',
    version: '1.0.0',
    frequency: 'every 5 minutes',
    autoStart: true,
    scopes: ['read'],
    models: { Issue },
    checkpoint: z.object({ after: z.string(), since: z.string(), began: z.string() }),

    exec: async (nango) => {
        let state = { after: '', since: '', began: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            // https://linear.app/developers/pagination
            const response = await nango.post<IssuesAnswer>({
                endpoint: '/graphql',
                data: {
                    query: QUERY,
                    variables: {
                        ...(state.since && { filter: { updatedAt: { gte: state.since } } }),
                        ...(state.after && { after: state.after })
                    }
                },
                // It only reads.
                retries: 5
            });
            const { data, errors } = response.data;
            if (!data) throw new nango.ActionError({ message: errors?.[0]?.message ?? 'Linear gave no data', errors: errors ?? [] });
            const { nodes, pageInfo } = data.issues;
            const gone = (issue: LinearIssue) => issue.archivedAt !== null || issue.trashed === true;
            await nango.batchSave(nodes.filter((issue) => !gone(issue)).map(toRecord), 'Issue');
            await nango.batchDelete(nodes.filter(gone).map(({ id }) => ({ id })), 'Issue');
            const began = state.began || new Date(Date.parse(String(response.headers['date'])) || Date.now()).toISOString();
            if (!pageInfo.hasNextPage) {
                const since = new Date(Date.parse(began) - OVERLAP_MS).toISOString();
                await nango.saveCheckpoint({ after: '', since, began: '' });
                return;
            }
            state = { ...state, began, after: pageInfo.endCursor ?? '' };
            await nango.saveCheckpoint(state);
        }
    }
});

export default sync;

interface LinearIssue {
    id: string;
    identifier: string;
    title: string;
    description: string | null;
    priority: number;
    url: string;
    dueDate: string | null;
    createdAt: string;
    updatedAt: string;
    archivedAt: string | null;
    trashed: boolean | null;
    state: { name: string };
    team: { key: string };
    assignee: { email: string } | null;
    labels: { nodes: { name: string }[] };
}

interface IssuesAnswer {
    data?: { issues: { nodes: LinearIssue[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } } } | null;
    errors?: { message: string }[];
}

function toRecord(issue: LinearIssue): z.infer<typeof Issue> {
    return {
        id: issue.id,
        identifier: issue.identifier,
        title: issue.title,
        description: issue.description,
        priority: issue.priority,
        state: issue.state.name,
        team: issue.team.key,
        assignee: issue.assignee?.email ?? null,
        labels: issue.labels.nodes.map(({ name }) => name),
        url: issue.url,
        due_date: issue.dueDate,
        created_at: issue.createdAt,
        updated_at: issue.updatedAt
    };
}
