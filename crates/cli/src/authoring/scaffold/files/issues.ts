import { createSync } from 'nango';
import * as z from 'zod';

const GithubIssue = z.object({
    id: z.string(),
    repository: z.string(),
    number: z.number(),
    title: z.string(),
    state: z.string(),
    author: z.string().nullable(),
    created_at: z.string(),
    updated_at: z.string()
});

/** The part of GitHub's answer that is used. */
interface Issue {
    id: number;
    number: number;
    title: string;
    state: string;
    user: { login: string } | null;
    pull_request?: unknown;
    created_at: string;
    updated_at: string;
}

const sync = createSync({
    description: 'Issues of one repository, changed ones first.',
    frequency: 'every hour',
    // The repository is in the metadata, so the sync is started when they have been set.
    autoStart: false,
    scopes: ['repo'],
    metadata: z.object({ repository: z.string() }),
    checkpoint: z.object({ updated_since: z.string() }),
    models: { GithubIssue },

    exec: async (nango) => {
        const { repository } = await nango.getMetadata();
        const checkpoint = await nango.getCheckpoint();

        // https://docs.github.com/rest/issues/issues#list-repository-issues
        const pages = nango.paginate<Issue>({
            endpoint: `/repos/${repository}/issues`,
            params: {
                state: 'all',
                sort: 'updated',
                direction: 'asc',
                ...(checkpoint && { since: checkpoint.updated_since })
            },
            paginate: { type: 'link', link_rel_in_response_header: 'next', limit_name_in_request: 'per_page', limit: 100 },
            retries: 3
        });

        for await (const page of pages) {
            const issues = page.filter((issue) => !issue.pull_request);
            await nango.batchSave(
                issues.map((issue) => ({
                    id: String(issue.id),
                    repository,
                    number: issue.number,
                    title: issue.title,
                    state: issue.state,
                    author: issue.user?.login ?? null,
                    created_at: issue.created_at,
                    updated_at: issue.updated_at
                })),
                'GithubIssue'
            );
            const last = page.at(-1);
            if (last) {
                await nango.saveCheckpoint({ updated_since: last.updated_at });
            }
        }
    }
});

export default sync;
