import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Opens an issue in a repository.',
    scopes: ['repo'],
    input: z.object({
        repository: z.string(),
        title: z.string(),
        body: z.string().optional()
    }),
    output: z.object({ number: z.number(), url: z.string() }),

    exec: async (nango, input) => {
        // https://docs.github.com/rest/issues/issues#create-an-issue
        const response = await nango.post<{ number: number; html_url: string }>({
            endpoint: `/repos/${input.repository}/issues`,
            data: { title: input.title, body: input.body },
            // A second attempt could open a second issue.
            retries: 0
        });
        return { number: response.data.number, url: response.data.html_url };
    }
});

export default action;
