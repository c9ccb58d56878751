import { createAction } from 'nango';
import * as z from 'zod';

const MUTATION = `mutation CreateIssue($input: IssueCreateInput!) {
  issueCreate(input: $input) { success issue { id identifier url } }
}`;

const action = createAction({
    description: 'Opens an issue in a team.',
    version: '1.0.0',
    scopes: ['issues:create'],
    input: z.object({
        id: z.uuid().optional().describe('an id of your own; the same one twice makes one issue'),
        team_id: z.string(),
        title: z.string(),
        description: z.string().optional().describe('Markdown'),
        priority: z.number().int().min(0).max(4).optional(),
        assignee_id: z.string().optional(),
        label_ids: z.array(z.string()).optional()
    }),
    output: z.object({ id: z.string(), identifier: z.string(), url: z.string() }),

    exec: async (nango, input) => {
        // Not retried: a lost answer may hide an issue that was opened.
        // https://linear.app/developers/graphql#creating-and-editing-issues
        const { data } = await nango.post<CreateAnswer>({
            endpoint: '/graphql',
            data: {
                query: MUTATION,
                variables: {
                    input: {
                        id: input.id,
                        teamId: input.team_id,
                        title: input.title,
                        description: input.description,
                        priority: input.priority,
                        assigneeId: input.assignee_id,
                        labelIds: input.label_ids
                    }
                }
            },
            retries: 0
        });
        const issue = data.data?.issueCreate.issue;
        if (!issue) throw new nango.ActionError({ message: data.errors?.[0]?.message ?? 'Linear did not open the issue', errors: data.errors ?? [] });
        return issue;
    }
});

export default action;

interface CreateAnswer {
    data?: { issueCreate: { success: boolean; issue: { id: string; identifier: string; url: string } | null } } | null;
    errors?: { message: string }[];
}
