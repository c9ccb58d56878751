import { createSync } from 'nango';
import * as z from 'zod';

const Issue = z.object({
    id: z.string(),
    repository: z.string(),
    number: z.number(),
    title: z.string(),
    body: z.string().nullable(),
    state: z.string(),
    author: z.string().nullable(),
    assignees: z.array(z.string()),
    labels: z.array(z.string()),
    comments: z.number(),
    url: z.string(),
    created_at: z.string(),
    updated_at: z.string(),
    closed_at: z.string().nullable()
});

const PAGE_SIZE = 100;

/**
 * Reads issues from the one that changed least recently on, and asks for "changed since the last one that was saved" again
 * and again: an issue that changes meanwhile comes later, and none is skipped, as counting pages would. Deleted issues are
 * not reported by GitHub's API; subscribe to the webhook `issues.deleted` if they matter.
 */
const sync = createSync({
    description: 'Issues of the repositories named in the metadata; changes are followed.',
    version: '1.0.0',
    frequency: 'every 15 minutes',
    // The repositories are in the metadata, so the sync is started when they have been set.
    autoStart: false,
    scopes: ['repo'],
    metadata: z.object({ repositories: z.array(z.string()).describe('owner/name') }),
    models: { Issue },
    // One place for all repositories: `since` counts for those before `repository` in the current round.
    checkpoint: z.object({ repository: z.number(), since: z.string(), page: z.number(), round_began: z.string(), last_round: z.string() }),

    exec: async (nango) => {
        const { repositories } = await nango.getMetadata();
        if (repositories.some((name) => !/^[\w.-]+\/[\w.-]+$/.test(name))) {
            throw new nango.ActionError({ message: 'metadata.repositories must be a list of owner/name' });
        }
        let state: State = { repository: 0, since: '', page: 1, round_began: '', last_round: '', ...(await nango.getCheckpoint()) };
        for (;;) {
            const repository = repositories[state.repository];
            if (repository === undefined) break;
            const since = state.since || state.last_round;
            // https://docs.github.com/en/rest/issues/issues#list-repository-issues
            const response = await nango.get<GithubIssue[]>({
                endpoint: `/repos/${repository}/issues`,
                params: {
                    state: 'all',
                    sort: 'updated',
                    direction: 'asc',
                    per_page: PAGE_SIZE,
                    ...(state.page > 1 && { page: state.page }),
                    ...(since && { since })
                },
                retries: 5
            });
            // Pull requests are issues too, for GitHub.
            const issues = response.data.filter((issue) => !issue.pull_request);
            await nango.batchSave(issues.map((issue) => toRecord(repository, issue)), 'Issue');
            const round_began = state.round_began || new Date(Date.parse(String(response.headers['date'])) || Date.now()).toISOString();
            state = { ...afterPage(state, response.data, since), round_began };
            await nango.saveCheckpoint(state);
        }
        // The next round asks for what changed since this one began.
        await nango.saveCheckpoint({ repository: 0, since: '', page: 1, round_began: '', last_round: state.round_began || state.last_round });
    }
});

export default sync;

interface State {
    /** Place in the list of repositories. */
    repository: number;
    /** Every change of this repository before this moment is saved. */
    since: string;
    /** More than 1 only while one second holds more than a page. */
    page: number;
    round_began: string;
    last_round: string;
}

/** Where to go on: after the last issue, with the next page of the same second, or with the next repository. */
function afterPage(state: State, page: GithubIssue[], since: string): State {
    const last = page.at(-1);
    if (!last || page.length < PAGE_SIZE) return { ...state, repository: state.repository + 1, since: '', page: 1 };
    return last.updated_at > since ? { ...state, since: last.updated_at, page: 1 } : { ...state, since, page: state.page + 1 };
}

interface GithubIssue {
    id: number;
    number: number;
    title: string;
    body: string | null;
    state: string;
    user: { login: string } | null;
    assignees: { login: string }[] | null;
    labels: (string | { name?: string })[];
    comments: number;
    html_url: string;
    created_at: string;
    updated_at: string;
    closed_at: string | null;
    pull_request?: unknown;
}

function toRecord(repository: string, issue: GithubIssue): z.infer<typeof Issue> {
    return {
        id: String(issue.id),
        repository,
        number: issue.number,
        title: issue.title,
        body: issue.body,
        state: issue.state,
        author: issue.user?.login ?? null,
        assignees: (issue.assignees ?? []).map((user) => user.login),
        labels: issue.labels.map((label) => (typeof label === 'string' ? label : (label.name ?? ''))),
        comments: issue.comments,
        url: issue.html_url,
        created_at: issue.created_at,
        updated_at: issue.updated_at,
        closed_at: issue.closed_at
    };
}
