import './github/syncs/issues.js';
import './github/actions/create-issue.js';
import './github/on-events/greet.js';
