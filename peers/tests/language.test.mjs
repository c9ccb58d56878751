// What Node answers to the cases of `crates/runtime/tests/language` is what is written behind them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { test } from 'node:test';
import { ROOT } from '../support/server.mjs';

test('the recorded answers are those of this Node', () => {
    const script = path.join(ROOT, 'crates', 'runtime', 'tests', 'language', 'record.mjs');
    const checked = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
    assert.equal(checked.status, 0, checked.stderr);
});
