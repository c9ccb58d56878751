import { createOnEvent } from 'nango';

export default createOnEvent({
    description: 'Notes who connected, as soon as a connection is made.',
    event: 'post-connection-creation',

    exec: async (nango) => {
        // https://docs.github.com/rest/users/users#get-the-authenticated-user
        const response = await nango.get<{ login: string }>({ endpoint: '/user', retries: 3 });
        await nango.updateMetadata({ login: response.data.login });
    }
});
