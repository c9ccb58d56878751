import { createFunction } from 'nango/experimental';
import * as z from 'zod';

export default createFunction({
    description: '__NAME__: say in one sentence what it does',
    // Without a trigger it is called: POST /functions/invocations. The others are
    // { kind: 'schedule', frequency: 'every hour' }, { kind: 'http', subscriptions: ['contact.created'] }
    // and { kind: 'event', events: ['post-connection-creation'] }.
    trigger: { kind: 'none' },
    input: z.object({ id: z.string() }),
    output: z.object({ id: z.string() }),
    requires: { connection: true, outbound: true },

    exec: async (nango, trigger) => {
        const response = await nango.get({ endpoint: `/items/${encodeURIComponent(trigger.input.id)}`, retries: 3 });
        return { id: String(response.data.id) };
    }
});
