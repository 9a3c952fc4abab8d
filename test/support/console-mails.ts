// Mails in a ledger that a console is over: recorded, run and failed as a trigger's are.
import { packContent } from '../../engine/ledger/content';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Subscription } from '../../engine/ledger/subscriptions';
import { held } from '../ledger/held';

/** A workflow's trigger that listens, whose mails are tried once. */
export const listening = (
  ledger: Ledger,
  workflowId = 'w1',
  source: { readonly account: string; readonly mailbox: string } = {
    account: 'ann@mail.example',
    mailbox: 'INBOX',
  },
): Promise<Subscription> =>
  ledger.subscribe({
    ...{ workflowId, nodeId: 'n1', source: { kind: 'imap', ...source } },
    ...{ retryDelaysMs: [], guarantee: 'atLeastOnce', keepContentMs: 0, retentionMs: 90 * 86_400_000 },
    ...{ afterSuccess: null, whenDead: null },
  });

interface Said {
  readonly sender?: string;
  readonly subject?: string;
  readonly error?: string;
}

let uid = 0;

/** Records so many mails, whose runs fail: they are DEAD. */
export async function deadMails(
  ledger: Ledger,
  to: Subscription,
  count: number,
  { sender = 'bob@mail.example', subject = 'Hello', error = 'it broke' }: Said = {},
): Promise<void> {
  const content = await packContent(Buffer.from('Subject: hello\r\n\r\nhi'));
  const messages = Array.from({ length: count }, () => {
    uid++;
    return {
      ...{ identity: `uid:1:${uid}:INBOX`, softIdentity: null, accountWide: false, weakIdentity: null },
      ...{ messageId: `<${uid}@test>`, sender, subject, uid, uidValidity: '1' },
      ...{ receivedAt: 1_700_000_000_000 + uid, size: 22, content, due: [to.id] },
    };
  });
  await ledger.record({ hold: await held(ledger, to.sourceId), messages, cursors: [] });
  for (;;) {
    const offer = await ledger.offer({
      subscriptionIds: [to.id],
      ...{ mostRuns: 200, mailsPerRun: 1, leaseMs: 30_000 },
    });
    const pointers = offer.runs.flatMap((run) => run.pointers);
    if (pointers.length === 0) return;
    await ledger.claim(pointers, '42', 30_000);
    await ledger.settle(pointers, { kind: 'failure', error });
  }
}
