import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Sends an e-mail as the user, in plain text or HTML.',
    version: '1.0.0',
    scopes: ['Mail.Send'],
    input: z.object({
        to: z.array(z.email()).min(1),
        cc: z.array(z.email()).optional(),
        subject: z.string(),
        body: z.string(),
        html: z.boolean().optional(),
        save_copy: z.boolean().optional().describe('keep a copy among the sent items; yes, when not given')
    }),
    output: z.object({ accepted: z.boolean() }),

    exec: async (nango, input) => {
        const people = (addresses: string[]) => addresses.map((address) => ({ emailAddress: { address } }));
        // Not retried: a lost answer may hide a message that was sent.
        // https://learn.microsoft.com/en-us/graph/api/user-sendmail
        const { status } = await nango.post({
            endpoint: '/v1.0/me/sendMail',
            data: {
                message: {
                    subject: input.subject,
                    body: { contentType: input.html ? 'HTML' : 'Text', content: input.body },
                    toRecipients: people(input.to),
                    ccRecipients: people(input.cc ?? [])
                },
                saveToSentItems: input.save_copy ?? true
            },
            retries: 0
        });
        return { accepted: status === 202 };
    }
});

export default action;
