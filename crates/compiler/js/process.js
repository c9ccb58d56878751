'use strict';
// An object that answers what packages ask of `process` without being a process.
module.exports = {
    title: 'browser',
    browser: true,
    platform: 'browser',
    arch: '',
    pid: 1,
    version: '',
    versions: {},
    release: {},
    argv: [],
    execArgv: [],
    env: { NODE_ENV: 'production' },
    exitCode: undefined,
    stdout: undefined,
    stderr: undefined,
    nextTick: (callback, ...args) => {
        queueMicrotask(() => callback(...args));
    },
    cwd: () => '/',
    umask: () => 0,
    uptime: () => 0,
    hrtime: Object.assign((before) => {
        const now = Date.now();
        const time = [Math.floor(now / 1000), (now % 1000) * 1e6];
        if (before === undefined) return time;
        const nanoseconds = (time[0] - before[0]) * 1e9 + time[1] - before[1];
        return [Math.floor(nanoseconds / 1e9), nanoseconds % 1e9];
    }, { bigint: () => BigInt(Date.now()) * 1000000n }),
    memoryUsage: () => ({ rss: 0, heapTotal: 0, heapUsed: 0, external: 0 }),
    emitWarning: () => {},
    on() {
        return this;
    },
    once() {
        return this;
    },
    off() {
        return this;
    },
    removeListener() {
        return this;
    },
    listeners: () => [],
    emit: () => false,
    binding: () => {
        throw new Error('process.binding does not exist in functions');
    },
    exit: () => {
        throw new Error('a function cannot end its process');
    }
};
