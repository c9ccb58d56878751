import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Opens an issue in a project.',
    version: '1.0.0',
    scopes: ['write:jira-work'],
    input: z.object({
        project: z.string().describe('the key of the project'),
        type: z.string().describe('such as Task or Bug'),
        summary: z.string().min(1).max(255),
        description: z.string().optional().describe('plain text; empty lines begin paragraphs'),
        labels: z.array(z.string()).optional(),
        assignee: z.string().optional().describe('an account id')
    }),
    output: z.object({ id: z.string(), key: z.string() }),

    exec: async (nango, input) => {
        const base = await site(nango);
        try {
            // Not retried: a lost answer may hide an issue that was opened.
            // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-issues/#api-rest-api-3-issue-post
            const { data } = await nango.post<{ id: string; key: string }>({
                endpoint: `${base}/issue`,
                data: {
                    fields: {
                        project: { key: input.project },
                        issuetype: { name: input.type },
                        summary: input.summary,
                        description: input.description ? paragraphs(input.description) : undefined,
                        labels: input.labels,
                        assignee: input.assignee ? { accountId: input.assignee } : undefined
                    }
                },
                retries: 0
            });
            return { id: data.id, key: data.key };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: Complaint } }).response ?? {};
            if (status !== 400) throw error;
            const said = [...(data?.errorMessages ?? []), ...Object.entries(data?.errors ?? {}).map(([field, text]) => `${field}: ${text}`)];
            throw new nango.ActionError({ message: said.join('; ') || 'Jira refused the issue' });
        }
    }
});

export default action;

interface Complaint {
    errorMessages?: string[];
    errors?: Record<string, string>;
}

/** Jira's document format. */
function paragraphs(text: string) {
    const content = text.split(/\n{2,}/).map((part) => ({ type: 'paragraph', content: [{ type: 'text', text: part }] }));
    return { type: 'doc', version: 1, content };
}

/** Where the site of the connection is: one account may have several. */
async function site(nango: { getConnection: () => Promise<{ connection_config: Record<string, unknown> }> }): Promise<string> {
    const { connection_config } = await nango.getConnection();
    return `/ex/jira/${String(connection_config['cloudId'])}/rest/api/3`;
}
