import { createSync } from 'nango';
import * as z from 'zod';

const Label = z.object({ id: z.string(), name: z.string(), type: z.string() });

/** Gmail answers all labels at once, so every run reads them and deletes what is gone. */
const sync = createSync({
    description: 'Labels of the mailbox.',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['https://www.googleapis.com/auth/gmail.labels'],
    models: { Label },

    exec: async (nango) => {
        await nango.trackDeletesStart('Label');
        // https://developers.google.com/workspace/gmail/api/reference/rest/v1/users.labels/list
        const { data } = await nango.get<{ labels?: z.infer<typeof Label>[] }>({ endpoint: '/gmail/v1/users/me/labels', retries: 5 });
        await nango.batchSave((data.labels ?? []).map(({ id, name, type }) => ({ id, name, type })), 'Label');
        await nango.trackDeletesEnd('Label');
    }
});

export default sync;
