// The signature check of Slack's own framework, without starting the framework.
import { createRequire } from 'node:module';
import path from 'node:path';

const require = createRequire(import.meta.url);
const bolt = path.dirname(require.resolve('@slack/bolt'));

/** `({signingSecret, body, headers})`: whether Slack's code takes the request. */
export const { isValidSlackRequest } = require(path.join(bolt, 'receivers', 'verify-request.js'));
