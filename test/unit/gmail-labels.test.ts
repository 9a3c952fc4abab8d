// The labels that settings name, compared with those of an account: when that is due, and who is told.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { AccountNote } from '../../engine/gmail/watch/account-notes';
import { LabelWatch } from '../../engine/gmail/watch/labels';
import type { GmailSubscriber } from '../../engine/gmail/watch/subscriber';

const HOURS_MS = 4 * 60 * 60_000;

/** What the ledger keeps. */
class Notes {
  note: AccountNote = { labelNames: {}, labelsGone: {}, stopped: null };
  writes = 0;
  readonly read = (): Promise<AccountNote> => Promise.resolve(this.note);
  readonly write = async (part: Partial<AccountNote>): Promise<void> => {
    this.writes++;
    this.note = { ...this.note, ...part };
  };
}

const naming = (...ids: string[]): GmailSubscriber =>
  ({
    subscription: { id: 7 },
    reading: { filter: { labels: { ids, match: 'any' } }, eventLabels: [], actionLabels: [] },
  }) as unknown as GmailSubscriber;

describe('labels that settings name', () => {
  it('are compared again soon after they could not be listed', async () => {
    const told: string[] = [];
    const labels = new LabelWatch(
      'Gmail account ann',
      HOURS_MS,
      (fault) => told.push(fault.message),
      new Notes(),
    );
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

  it('are told by the name that they had before a restart, once, and anew where a person publishes the trigger', async () => {
    const told: string[] = [];
    const notes = new Notes();
    const start = (): LabelWatch =>
      new LabelWatch('Gmail account ann', HOURS_MS, (fault) => told.push(fault.message), notes);
    const has = (...names: string[]) => ({
      labels: () => Promise.resolve(names.map((name) => ({ id: `Label_${name}`, name }))),
    });
    await start().compare(has('Orders', 'Other'), [naming('Label_Orders')]);
    assert.deepEqual(notes.note.labelNames, { Label_Orders: 'Orders' });
    for (let restarts = 0; restarts < 3; restarts++)
      await start().compare(has('Other'), [naming('Label_Orders')]);
    assert.equal(told.length, 1);
    assert.match(told[0]!, /"Orders" \(id "Label_Orders"\)/);
    assert.equal(notes.writes, 2, 'written only when it changes');
    const published = start();
    const one = { ...naming('Label_Orders'), isByPerson: true };
    for (let times = 0; times < 2; times++) await published.compare(has('Other'), [one]);
    assert.equal(told.length, 2);
    await start().compare(has('Orders'), [naming('Label_Orders')]);
    assert.deepEqual(notes.note.labelsGone, {});
    await start().compare(has(), [naming('Label_Orders')]);
    assert.equal(told.length, 3, 'it was back meanwhile');
  });
});
