// Whatever happens to an account, and whatever fails while it is read: nothing is lost, nothing comes twice.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { GmailFault } from '../../engine/gmail/api/fault';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Subscription } from '../../engine/ledger/subscriptions';
import { type Happening, Judge, life, READINGS } from '../support/gmail-lives';
import { DirectGmail, fault } from '../support/gmail-direct';
import { GmailSyncing } from '../support/gmail-syncing';

class Crash extends Error {}

/** Runs a round in which the trouble comes. @returns whether it read everything all the same */
async function round(
  gmail: DirectGmail,
  syncing: GmailSyncing,
  { trouble, at, inLedger }: Happening & { kind: 'sync' },
): Promise<boolean> {
  const ending = new AbortController();
  const { ledger } = syncing;
  let calls = 0;
  const strike = (): void => {
    if (calls++ !== at || trouble === 'none') return;
    if (trouble === 'abort') {
      ending.abort();
      return;
    }
    throw trouble === 'crash' ? new Crash() : fault(trouble);
  };
  if (inLedger && trouble === 'crash') syncing.ledger = struckAfter(ledger, strike);
  // Only a mail is refused by itself: all else that is refused is the fault of what is asked.
  else gmail.before = (call) => (trouble !== 'refused' || call === 'message' ? strike() : undefined);
  try {
    const { againInMs } = await syncing.sync(ending.signal);
    return !ending.signal.aborted && againInMs === null;
  } catch (error) {
    if (!(error instanceof Crash) && !(error instanceof GmailFault)) throw error;
    return false;
  } finally {
    gmail.before = () => undefined;
    syncing.ledger = ledger;
  }
}

/** The process dies when a transaction is through. */
const struckAfter = (ledger: Ledger, strike: () => void): Ledger =>
  new Proxy(ledger, {
    get(target, name) {
      if (name !== 'record') return (target[name as keyof Ledger] as () => unknown).bind(target);
      return async (batch: Parameters<Ledger['record']>[0]) => {
        const news = await target.record(batch);
        strike();
        return news;
      };
    },
  });

async function live(happenings: readonly Happening[], habits: Partial<DirectGmail['habits']>): Promise<void> {
  const gmail = new DirectGmail();
  Object.assign(gmail.habits, habits);
  const syncing = await GmailSyncing.start(gmail);
  try {
    const judge = new Judge(gmail);
    const subscriptions: Subscription[] = [];
    for (const reading of READINGS) subscriptions.push(await syncing.join({ reading }));
    await syncing.sync();
    judge.hasBegun = true;
    for (const what of happenings) {
      if (what.kind === 'sync') {
        if (await round(gmail, syncing, what)) judge.wasRead();
      } else if (what.kind === 'restart') syncing.restart();
      else if (what.kind === 'lag') gmail.searchLagMs = what.isOn ? Infinity : 0;
      else judge.happen(what);
    }
    gmail.searchLagMs = 0;
    for (let time = 0; time < 5; time++) {
      await syncing.sync();
      // What could not be read is asked for again by then.
      syncing.now += 60_000;
    }
    assert.equal((await syncing.sync()).againInMs, null);
    for (const [index, subscription] of subscriptions.entries()) {
      const told = syncing.identities(subscription);
      const { must, may } = judge.verdict(index);
      const lost = [...must].filter((one) => !told.includes(one));
      const wrong = told.filter((one) => !may.has(one));
      const repeated = told.length - new Set(told).size;
      assert.deepEqual(
        { trigger: index, lost, wrong, repeated },
        { trigger: index, lost: [], wrong: [], repeated: 0 },
      );
    }
    gmail.calls = [];
    await syncing.sync();
    assert.equal(gmail.units, 2);
  } finally {
    await syncing.dispose();
  }
}

describe('the life of a Gmail account', { timeout: 15 * 60_000 }, () => {
  const habits = fc.record({
    unordered: fc.boolean(),
    repeated: fc.boolean(),
    pageLimit: fc.constantFrom(1, 3, 500),
  });

  it('loses and repeats nothing, whatever it is and whatever fails', async () => {
    const numRuns = Number(process.env['DURABLE_MAIL_LIVES'] ?? 60);
    await fc.assert(fc.asyncProperty(life, habits, live), { numRuns });
  });
});
