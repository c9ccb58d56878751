// The helpers only tag what they are given. The compiler replaces the calls; this file serves unit tests in Node.

export const createSync = (definition) => ({ type: 'sync', ...definition });
export const createAction = (definition) => ({ type: 'action', ...definition });
export const createOnEvent = (definition) => ({ type: 'onEvent', ...definition });
export const createFunction = (definition) => ({ type: 'function', ...definition });
