import { createAction } from 'nango';
import * as z from 'zod';

const action = createAction({
    description: 'Creates a page below another page or in a database, with a title and paragraphs of text.',
    version: '1.0.0',
    input: z
        .object({
            parent_page_id: z.string().optional(),
            parent_database_id: z.string().optional(),
            title: z.string(),
            title_property: z.string().optional().describe('the name of the title in a database; Name, when not given'),
            paragraphs: z.array(z.string()).optional()
        })
        .refine((input) => Boolean(input.parent_page_id) !== Boolean(input.parent_database_id), 'Give parent_page_id or parent_database_id'),
    output: z.object({ id: z.string(), url: z.string() }),

    exec: async (nango, input) => {
        if (Boolean(input.parent_page_id) === Boolean(input.parent_database_id)) {
            throw new nango.ActionError({ message: 'Give parent_page_id or parent_database_id' });
        }
        const property = input.parent_page_id ? 'title' : (input.title_property ?? 'Name');
        // Notion takes texts of up to 2000 characters, and up to 100 blocks with a page.
        const pieces = (input.paragraphs ?? []).map((text) => text.match(/[^]{1,2000}/g) ?? []);
        const blocks = pieces.map((texts) => ({
            object: 'block',
            type: 'paragraph',
            paragraph: { rich_text: texts.map((content) => ({ type: 'text', text: { content } })) }
        }));
        if (blocks.length > 100) throw new nango.ActionError({ message: 'A page is created with at most 100 paragraphs' });
        // Not retried: a lost answer may hide a page that was created.
        // https://developers.notion.com/reference/post-page
        const { data } = await nango.post<{ id: string; url: string }>({
            endpoint: '/v1/pages',
            data: {
                parent: input.parent_page_id ? { page_id: input.parent_page_id } : { database_id: input.parent_database_id },
                properties: { [property]: { title: [{ text: { content: input.title } }] } },
                children: blocks
            },
            retries: 0
        });
        return { id: data.id, url: data.url };
    }
});

export default action;
