// The labels that settings name, compared with those of an account: when that is due, and who is told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import { LabelWatch } from '../../engine/gmail/watch/labels';
import type { GmailSubscriber } from '../../engine/gmail/watch/subscriber';

const HOURS_MS = 4 * 60 * 60_000;

const naming = (...ids: string[]): GmailSubscriber =>
  ({
    reading: { filter: { labels: { ids, match: 'any' } }, eventLabels: [], actionLabels: [] },
  }) as unknown as GmailSubscriber;

describe('labels that settings name', () => {
  it('are compared again soon after they could not be listed', async () => {
    const told: string[] = [];
    const labels = new LabelWatch('Gmail account ann', HOURS_MS, (fault) => told.push(fault.message));
    const one = naming('Label_1');
    assert.equal(labels.dueInMs([one]), 0);
    const away = { labels: () => Promise.reject(new GmailFault('busy', 'Google has trouble.')) };
    await assert.rejects(labels.compare(away, [one]), /trouble/);
    assert.ok(labels.dueInMs([one]) <= 60_000, 'not only some hours later');
    await labels.compare({ labels: () => Promise.resolve([]) }, [one]);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /"Label_1"/);
    assert.ok(labels.dueInMs([one]) > 60 * 60_000);
  });
});
