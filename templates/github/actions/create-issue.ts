import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Opens an issue in a repository.',
    version: '1.0.0',
    scopes: ['repo'],
    input: z.object({
        owner: z.string(),
        repo: z.string(),
        title: z.string(),
        body: z.string().optional(),
        labels: z.array(z.string()).optional(),
        assignees: z.array(z.string()).optional()
    }),
    output: z.object({ id: z.string(), number: z.number(), url: z.string() }),

    exec: async (nango, input) => {
        const { owner, repo, ...issue } = input;
        try {
            // Not retried: a lost answer may hide an issue that was opened.
            // https://docs.github.com/en/rest/issues/issues#create-an-issue
            const { data } = await nango.post<{ id: number; number: number; html_url: string }>({
                endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues`,
                data: issue,
                retries: 0
            });
            return { id: String(data.id), number: data.number, url: data.html_url };
        } catch (error) {
            const status = (error as { response?: { status: number } }).response?.status;
            // 404 also stands for a repository that the account may not see, 410 for one without issues.
            if (status === 404) throw new nango.ActionError({ message: `There is no repository ${owner}/${repo} for this account`, status });
            if (status === 410) throw new nango.ActionError({ message: `Issues are turned off in ${owner}/${repo}`, status });
            throw error;
        }
    }
});

export default action;
