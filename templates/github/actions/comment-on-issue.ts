import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Writes a comment on an issue or a pull request.',
    version: '1.0.0',
    scopes: ['repo'],
    input: z.object({ owner: z.string(), repo: z.string(), number: z.number().int().positive(), body: z.string().min(1) }),
    output: z.object({ id: z.string(), url: z.string() }),

    exec: async (nango, { owner, repo, number, body }) => {
        // Not retried: a lost answer may hide a comment that was written.
        // https://docs.github.com/en/rest/issues/comments#create-an-issue-comment
        const { data } = await nango.post<{ id: number; html_url: string }>({
            endpoint: `/repos/${encodeURIComponent(owner)}/${encodeURIComponent(repo)}/issues/${number}/comments`,
            data: { body },
            retries: 0
        });
        return { id: String(data.id), url: data.html_url };
    }
});

export default action;
