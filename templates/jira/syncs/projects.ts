import { createSync } from 'nango';
import * as z from 'zod';

const Project = z.object({ id: z.string(), key: z.string(), name: z.string(), type: z.string(), private: z.boolean() });

/** Every run reads all projects, and deletes what is gone. */
const sync = createSync({
    description: 'Projects that the user can see.',
    version: '1.0.0',
    frequency: 'every day',
    autoStart: true,
    scopes: ['read:jira-work'],
    models: { Project },

    exec: async (nango) => {
        const base = await site(nango);
        await nango.trackDeletesStart('Project');
        // https://developer.atlassian.com/cloud/jira/platform/rest/v3/api-group-projects/#api-rest-api-3-project-search-get
        const pages = nango.paginate<JiraProject>({
            endpoint: `${base}/project/search`,
            params: { orderBy: 'key' },
            paginate: {
                type: 'offset',
                offset_name_in_request: 'startAt',
                response_path: 'values',
                limit_name_in_request: 'maxResults',
                limit: 50
            },
            retries: 5
        });
        for await (const page of pages) {
            const records = page.map(({ id, key, name, projectTypeKey, isPrivate }) => ({ id, key, name, type: projectTypeKey, private: isPrivate }));
            await nango.batchSave(records, 'Project');
        }
        await nango.trackDeletesEnd('Project');
    }
});

export default sync;

/** Where the site of the connection is: one account may have several. */
async function site(nango: { getConnection: () => Promise<{ connection_config: Record<string, unknown> }> }): Promise<string> {
    const { connection_config } = await nango.getConnection();
    return `/ex/jira/${String(connection_config['cloudId'])}/rest/api/3`;
}

interface JiraProject {
    id: string;
    key: string;
    name: string;
    projectTypeKey: string;
    isPrivate: boolean;
}
