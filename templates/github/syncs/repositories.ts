import { createSync } from 'nango';
import * as z from 'zod';

const Repository = z.object({
    id: z.string(),
    full_name: z.string(),
    description: z.string().nullable(),
    private: z.boolean(),
    archived: z.boolean(),
    language: z.string().nullable(),
    default_branch: z.string(),
    open_issues: z.number(),
    url: z.string(),
    pushed_at: z.string().nullable(),
    updated_at: z.string()
});

/**
 * GitHub neither lists repositories by time of change nor tells of deleted ones, so every run reads all of them and deletes
 * those it did not see. The checkpoint is the page: a run that is interrupted goes on with the page it had not finished.
 */
const sync = createSync({
    description: 'Repositories that the account can see; those that are gone are deleted.',
    version: '1.0.0',
    frequency: 'every hour',
    autoStart: true,
    scopes: ['repo'],
    models: { Repository },
    checkpoint: z.object({ page: z.number() }),

    exec: async (nango) => {
        let page = (await nango.getCheckpoint())?.page ?? 1;
        await nango.trackDeletesStart('Repository');
        for (;;) {
            // https://docs.github.com/en/rest/repos/repos#list-repositories-for-the-authenticated-user
            const { data } = await nango.get<GithubRepository[]>({
                endpoint: '/user/repos',
                // By id: a repository that is renamed or pushed to stays on its page.
                params: { sort: 'created', direction: 'asc', per_page: PAGE_SIZE, page },
                retries: 5
            });
            await nango.batchSave(data.map(toRecord), 'Repository');
            page += 1;
            await nango.saveCheckpoint({ page });
            // A short page may come before the last one when repositories are filtered out; only an empty one is the end.
            if (data.length === 0) break;
        }
        await nango.clearCheckpoint();
        await nango.trackDeletesEnd('Repository');
    }
});

export default sync;

const PAGE_SIZE = 100;

interface GithubRepository {
    id: number;
    full_name: string;
    description: string | null;
    private: boolean;
    archived: boolean;
    language: string | null;
    default_branch: string;
    open_issues_count: number;
    html_url: string;
    pushed_at: string | null;
    updated_at: string;
}

function toRecord(repository: GithubRepository): z.infer<typeof Repository> {
    return {
        id: String(repository.id),
        full_name: repository.full_name,
        description: repository.description,
        private: repository.private,
        archived: repository.archived,
        language: repository.language,
        default_branch: repository.default_branch,
        open_issues: repository.open_issues_count,
        url: repository.html_url,
        pushed_at: repository.pushed_at,
        updated_at: repository.updated_at
    };
}
