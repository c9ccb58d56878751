// A small storm of short tokens on two nodes; scripts/token-storm runs the large one.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { tokenStorm } from '../support/token-storm.mjs';

test('short tokens on two nodes: no 401, one refresh per expiry', async () => {
    const told = await tokenStorm({ connections: 40, seconds: 20, nodes: 2, tokenSeconds: 9, periodMs: 1_500 });
    assert.deepEqual(Object.keys(told.statuses), ['200'], JSON.stringify(told.statuses));
    assert.equal(told.refused, 0, 'calls with an ended token');
    assert.equal(told.reuses, 0, 'refresh tokens that were used twice');
    assert.equal(told.doubles, 0, 'tokens renewed although they were fresh');
    assert.equal(told.unknown, 0);
    assert.equal(told.panicked, false);
    // A token of nine seconds is renewed in its last three, so twenty seconds and the set-up hold two to five renewals.
    for (const count of told.perConnection) assert.ok(count >= 2 && count <= 5, `${count} refreshes of one connection`);
});
