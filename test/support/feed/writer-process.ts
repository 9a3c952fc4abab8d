// A process that writes into a ledger without a pause to speak of, to be killed anywhere in it: mails come, are offered,
// claimed, annotated and settled, well and badly. It tells what it knows to be committed, and ends when it is asked to.
import { randomUUID } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Pointer } from '../../../engine/ledger/pointer';
import type { NewMessage } from '../../../engine/ledger/recording';
import type { Subscription } from '../../../engine/ledger/subscriptions';
import { held } from '../../ledger/held';
import { openAt } from './open-at';

/** Mails that are committed, by their identities. */
export interface Committed {
  readonly recorded: readonly string[];
}

const [where = '', mailbox = ''] = process.argv.slice(2);
const MOST_MAILS = 7;
/** What a writer that was killed has left is taken up by the next one soon. */
const LEASE_MS = 500;
/** For whoever else works on the machine. */
const REST_MS = 10;
let isOver = false;
process.on('message', () => (isOver = true));
process.on('disconnect', () => process.exit());

write().then(
  () => process.disconnect(),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);

async function write(): Promise<void> {
  const { ledger, close } = await openAt(where);
  const to = [await subscribe(ledger, 'first'), await subscribe(ledger, 'second')];
  for (let turn = 0; !isOver; turn++) {
    try {
      await one(ledger, to, turn);
      await setTimeout(REST_MS);
    } catch (error) {
      // A database that is away for a while, as in some tests; or a lock that another process holds.
      if (!(error instanceof Error && error.name === 'LedgerFault')) throw error;
      await setTimeout(50);
    }
  }
  await close();
}

const subscribe = (ledger: Ledger, workflowId: string): Promise<Subscription> =>
  ledger.subscribe({
    ...{ workflowId, nodeId: 'n', retryDelaysMs: [0], guarantee: 'atLeastOnce' },
    ...{ source: { kind: 'imap', account: 'ann@mail.example', mailbox } },
    ...{ keepContentMs: 0, retentionMs: 86_400_000, afterSuccess: null, whenDead: null },
  });

async function one(ledger: Ledger, to: readonly Subscription[], turn: number): Promise<void> {
  const messages = Array.from({ length: 1 + (turn % MOST_MAILS) }, () => mail(to));
  await ledger.record({ hold: await held(ledger, to[0]!.sourceId), messages, cursors: [] });
  process.send!({ recorded: messages.map(({ identity }) => identity) } satisfies Committed);
  const subscriptionIds = to.map(({ id }) => id);
  const { runs } = await ledger.offer({ subscriptionIds, mostRuns: 50, mailsPerRun: 3, leaseMs: LEASE_MS });
  for (const [place, { pointers }] of runs.entries()) await run(ledger, pointers, turn + place);
}

async function run(ledger: Ledger, pointers: readonly Pointer[], place: number): Promise<void> {
  const claims = await ledger.claim(pointers, String(place), LEASE_MS);
  if (place % 3 === 0) {
    const annotation = { name: 'ai', category: 'order', priority: null, summary: null, data: null };
    await ledger.annotate(claims.map(({ event }) => ({ event, name: 'ai', annotation })));
  }
  await ledger.settle(
    claims.map(({ event, attempt }) => ({ event, attempt })),
    place % 4 === 0 ? { kind: 'failure', error: 'it broke' } : { kind: 'success' },
  );
}

function mail(to: readonly Subscription[]): NewMessage {
  const identity = randomUUID();
  return {
    ...{ identity, softIdentity: null, accountWide: false, weakIdentity: null },
    ...{ messageId: null, sender: null, subject: null, uid: null, uidValidity: null, receivedAt: 1, size: 1 },
    ...{ content: null, due: to.map(({ id }) => id) },
  };
}
