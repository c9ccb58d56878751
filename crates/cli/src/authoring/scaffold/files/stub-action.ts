import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Says in one sentence what __NAME__ does.',
    input: z.object({ id: z.string() }),
    output: z.object({ id: z.string() }),

    exec: async (nango, input) => {
        const response = await nango.get<{ id: string }>({ endpoint: `/path/of/${input.id}`, retries: 3 });
        return { id: response.data.id };
    }
});

export default action;
