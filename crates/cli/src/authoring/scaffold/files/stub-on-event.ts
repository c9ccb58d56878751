import { createOnEvent } from 'nango';

export default createOnEvent({
    description: 'Says in one sentence what __NAME__ does, and when.',
    event: 'post-connection-creation',

    exec: async (nango) => {
        await nango.log(`connected ${nango.connectionId}`);
    }
});
