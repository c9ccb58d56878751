import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Changes an opportunity: its stage, amount, close date or name.',
    version: '1.0.0',
    scopes: ['api'],
    input: z.object({
        id: z.string(),
        name: z.string().optional(),
        stage: z.string().optional(),
        amount: z.number().optional(),
        close_date: z.iso.date().optional()
    }),
    output: z.object({ id: z.string() }),

    exec: async (nango, { id, name, stage, amount, close_date }) => {
        try {
            // The same values written twice are the same opportunity, so this is retried.
            // https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_update_fields.htm
            await nango.patch({
                endpoint: `/services/data/v61.0/sobjects/Opportunity/${encodeURIComponent(id)}`,
                data: { Name: name, StageName: stage, Amount: amount, CloseDate: close_date },
                retries: 3
            });
            return { id };
        } catch (error) {
            const { status, data } = (error as { response?: { status: number; data?: { errorCode: string; message: string }[] } }).response ?? {};
            const first = Array.isArray(data) ? data[0] : undefined;
            if (first && (status === 400 || status === 404)) throw new nango.ActionError({ message: first.message, code: first.errorCode });
            throw error;
        }
    }
});

export default action;
