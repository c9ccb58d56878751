import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Sends an e-mail as the user, in plain text or HTML.',
    version: '1.0.0',
    scopes: ['https://www.googleapis.com/auth/gmail.send'],
    input: z.object({
        to: z.array(z.email()).min(1),
        cc: z.array(z.email()).optional(),
        subject: z.string(),
        body: z.string(),
        html: z.boolean().optional(),
        thread_id: z.string().optional().describe('the thread to answer in'),
        in_reply_to: z.string().optional().describe('Message-ID of the message that is answered')
    }),
    output: z.object({ id: z.string(), thread: z.string() }),

    exec: async (nango, input) => {
        if (input.in_reply_to && /[\r\n]/.test(input.in_reply_to)) throw new nango.ActionError({ message: 'in_reply_to holds a line break' });
        const lines = [
            `To: ${input.to.join(', ')}`,
            ...(input.cc?.length ? [`Cc: ${input.cc.join(', ')}`] : []),
            `Subject: ${encoded(input.subject)}`,
            ...(input.in_reply_to ? [`In-Reply-To: ${input.in_reply_to}`, `References: ${input.in_reply_to}`] : []),
            'MIME-Version: 1.0',
            `Content-Type: text/${input.html ? 'html' : 'plain'}; charset=utf-8`,
            'Content-Transfer-Encoding: base64',
            '',
            ...(Buffer.from(input.body, 'utf-8').toString('base64').match(/.{1,76}/g) ?? [])
        ];
        const raw = Buffer.from(lines.join('\r\n'), 'utf-8').toString('base64').replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
        // Not retried: a lost answer may hide a message that was sent.
        // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.messages/send
        const { data } = await nango.post<{ id: string; threadId: string }>({
            endpoint: '/gmail/v1/users/me/messages/send',
            data: { raw, threadId: input.thread_id },
            retries: 0
        });
        return { id: data.id, thread: data.threadId };
    }
});

export default action;

/** RFC 2047 words of at most 75 characters; a subject of plain letters stays as it is. Line breaks cannot survive either way. */
function encoded(subject: string): string {
    if (/^[\x20-\x7e]*$/.test(subject)) return subject;
    const words: string[] = [];
    let word = '';
    for (const character of subject) {
        if (Buffer.from(word + character, 'utf-8').length > 45) {
            words.push(word);
            word = '';
        }
        word += character;
    }
    return [...words, word].map((part) => `=?utf-8?B?${Buffer.from(part, 'utf-8').toString('base64')}?=`).join('\r\n ');
}
