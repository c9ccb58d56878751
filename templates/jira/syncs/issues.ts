import { createSync } from 'nango';
import * as z from 'zod';

const Issue = z.object({
    id: z.string(),
    key: z.string(),
    summary: z.string(),
    type: z.string(),
    status: z.string(),
    priority: z.string().nullable(),
    project: z.string(),
    assignee: z.string().nullable(),
    reporter: z.string().nullable(),
    labels: z.array(z.string()),
    created_at: z.string(),
    updated_at: z.string()
});

const FIELDS = ['summary', 'issuetype', 'status', 'priority', 'project', 'assignee', 'reporter', 'labels', 'created', 'updated'];

/** JQL knows minutes, in the time zone of the user. Searching "in the last so many minutes" needs neither, and reads this much twice. */
const OVERLAP_MINUTES = 5;

/**
 * Pages come by a token, and the order is that of creation, so an issue that changes stays on its page. The next run reads
 * what changed since this one began. Once a day all issues are read, and those that are gone are deleted.
 */
const sync = createSync({
    description: 'Issues of all projects, or of those in the metadata; changes within minutes, deletions within a day.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    autoStart: true,
    scopes: ['read:jira-work'],
    metadata: z.object({ projects: z.array(z.string()).optional().describe('keys; all projects, when not given') }),
    models: { Issue },
    checkpoint: z.object({ token: z.string(), minutes: z.number(), began: z.number(), since: z.number(), full_at: z.number() }),

    exec: async (nango) => {
        const projects = (await nango.getMetadata())?.projects ?? [];
        const base = await site(nango);
        let state = { token: '', minutes: 0, began: 0, since: 0, full_at: 0, ...(await nango.getCheckpoint()) };
        if (!state.began) {
            const began = Date.now();
            const full = began - state.full_at >= 24 * 3600_000;
            const minutes = full ? 0 : Math.ceil((began - state.since) / 60_000) + OVERLAP_MINUTES;
            // Kept with the token: pages of one search must be asked for with one search.
            state = { ...state, token: '', began, minutes };
            await nango.saveCheckpoint(state);
        }
        const full = state.minutes === 0;
        if (full) await nango.trackDeletesStart('Issue');
        const where = [
            // Jira refuses searches without any condition.
            projects.length ? `project in (${projects.map((key) => `"${key.replace(/["\\]/g, '')}"`).join(', ')})` : 'project is not EMPTY',
            ...(full ? [] : [`updated >= -${state.minutes}m`])
        ];
        for (;;) {
            let page: SearchPage;
            try {
                // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-search/#api-rest-api-3-search-jql-get
                const { data } = await nango.get<SearchPage>({
                    endpoint: `${base}/search/jql`,
                    params: {
                        jql: `${where.join(' AND ')} ORDER BY created ASC, key ASC`,
                        fields: FIELDS.join(','),
                        maxResults: 100,
                        ...(state.token && { nextPageToken: state.token })
                    },
                    retries: 5
                });
                page = data;
            } catch (error) {
                // A token that is too old is a 400: from the first page, then.
                if (!state.token || (error as { response?: { status: number } }).response?.status !== 400) throw error;
                state = { ...state, token: '' };
                await nango.saveCheckpoint(state);
                continue;
            }
            await nango.batchSave(page.issues.map(toRecord), 'Issue');
            state = { ...state, token: page.nextPageToken ?? '' };
            if (!state.token) break;
            await nango.saveCheckpoint(state);
        }
        if (full) {
            // From here to the next checkpoint, a run that dies is followed by one that reads everything again.
            await nango.saveCheckpoint({ token: '', minutes: 0, began: 0, since: 0, full_at: 0 });
            await nango.trackDeletesEnd('Issue');
        }
        await nango.saveCheckpoint({ token: '', minutes: 0, began: 0, since: state.began, full_at: full ? state.began : state.full_at });
    }
});

export default sync;

/** Where the site of the connection is: one account may have several. */
async function site(nango: { getConnection: () => Promise<{ connection_config: Record<string, unknown> }> }): Promise<string> {
    const { connection_config } = await nango.getConnection();
    return `/ex/jira/${String(connection_config['cloudId'])}/rest/api/3`;
}

interface SearchPage {
    issues: JiraIssue[];
    nextPageToken?: string;
}

interface JiraIssue {
    id: string;
    key: string;
    fields: {
        summary: string;
        issuetype: { name: string };
        status: { name: string };
        priority: { name: string } | null;
        project: { key: string };
        assignee: { accountId: string; displayName: string } | null;
        reporter: { accountId: string; displayName: string } | null;
        labels: string[];
        created: string;
        updated: string;
    };
}

function toRecord({ id, key, fields }: JiraIssue): z.infer<typeof Issue> {
    return {
        id,
        key,
        summary: fields.summary,
        type: fields.issuetype.name,
        status: fields.status.name,
        priority: fields.priority?.name ?? null,
        project: fields.project.key,
        assignee: fields.assignee?.displayName ?? null,
        reporter: fields.reporter?.displayName ?? null,
        labels: fields.labels,
        created_at: fields.created,
        updated_at: fields.updated
    };
}
