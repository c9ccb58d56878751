import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Writes a comment on an issue.',
    version: '1.0.0',
    scopes: ['write:jira-work'],
    input: z.object({ issue: z.string().describe('a key such as ENG-1, or an id'), text: z.string().min(1) }),
    output: z.object({ id: z.string() }),

    exec: async (nango, { issue, text }) => {
        const base = await site(nango);
        const content = text.split(/\n{2,}/).map((part) => ({ type: 'paragraph', content: [{ type: 'text', text: part }] }));
        // Not retried: a lost answer may hide a comment that was written.
        // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issue-comments/#api-rest-api-3-issue-issueidorkey-comment-post
        const { data } = await nango.post<{ id: string }>({
            endpoint: `${base}/issue/${encodeURIComponent(issue)}/comment`,
            data: { body: { type: 'doc', version: 1, content } },
            retries: 0
        });
        return { id: data.id };
    }
});

export default action;

/** Where the site of the connection is: one account may have several. */
async function site(nango: { getConnection: () => Promise<{ connection_config: Record<string, unknown> }> }): Promise<string> {
    const { connection_config } = await nango.getConnection();
    return `/ex/jira/${String(connection_config['cloudId'])}/rest/api/3`;
}
