import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Changes properties of a deal, such as its stage, amount or close date.',
    version: '1.0.0',
    scopes: ['crm.objects.deals.write'],
    input: z.object({
        id: z.string(),
        name: z.string().optional(),
        pipeline: z.string().optional(),
        stage: z.string().optional(),
        amount: z.number().optional(),
        close_date: z.string().optional()
    }),
    output: z.object({ id: z.string(), stage: z.string().nullable(), updated_at: z.string() }),

    exec: async (nango, input) => {
        const { id, name, pipeline, stage, amount, close_date } = input;
        const properties = { dealname: name, pipeline, dealstage: stage, amount: amount?.toString(), closedate: close_date };
        try {
            // The same values written twice are the same deal, so this is retried.
            // https://developers.hubspot.com/docs/api-reference/crm-deals-v3/basic/patch-crm-v3-objects-deals-dealId
            const { data } = await nango.patch<Deal>({
                endpoint: `/crm/v3/objects/deals/${encodeURIComponent(id)}`,
                data: { properties },
                retries: 3
            });
            return { id: data.id, stage: data.properties.dealstage ?? null, updated_at: data.updatedAt };
        } catch (error) {
            if ((error as { response?: { status: number } }).response?.status === 404) {
                throw new nango.ActionError({ message: `There is no deal with the id ${id}`, id });
            }
            throw error;
        }
    }
});

export default action;

interface Deal {
    id: string;
    properties: { dealstage?: string | null };
    updatedAt: string;
}
