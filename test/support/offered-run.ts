// Mails in a ledger, offered to a run: as a dispatcher hands them to n8n.
import { packContent } from '../../engine/ledger/content';
import type { Ledger } from '../../engine/ledger/ledger';
import type { OfferedRun } from '../../engine/ledger/offers';
import { held } from '../ledger/held';
import { rawMail } from './mails';

let uid = 0;
let workflows = 0;

/**
 * A run of mails with these subjects, of a workflow of its own; they are stored with their content, or not.
 * @returns and how to offer what is due to that workflow again
 */
export async function offeredRun(
  ledger: Ledger,
  subjects: readonly string[] = ['x'],
  stored = true,
): Promise<{ run: OfferedRun; offer: () => Promise<OfferedRun[]> }> {
  const source = { kind: 'imap', account: 'a', mailbox: 'INBOX' } as const;
  const { id, sourceId } = await ledger.subscribe({
    workflowId: `w${++workflows}`,
    nodeId: 'n',
    source,
    retryDelaysMs: [1],
    guarantee: 'atLeastOnce',
    keepContentMs: 0,
    retentionMs: 86_400_000,
    afterSuccess: null,
    whenDead: null,
  });
  const messages = await Promise.all(
    subjects.map(async (subject) => ({
      identity: `m${++uid}`,
      softIdentity: null,
      accountWide: false,
      weakIdentity: null,
      messageId: null,
      sender: null,
      subject,
      uid,
      uidValidity: '1',
      receivedAt: 1_700_000_000_000,
      size: 100,
      content: stored ? await packContent(Buffer.from(rawMail({ subject }))) : null,
      due: [id],
    })),
  );
  await ledger.record({ hold: await held(ledger, sourceId), messages, cursors: [] });
  const request = { subscriptionIds: [id], mostRuns: 100, mailsPerRun: 10, leaseMs: 60_000 };
  const offer = async (): Promise<OfferedRun[]> => [...(await ledger.offer(request)).runs];
  const [run, ...more] = await offer();
  if (!run || more.length > 0) throw new Error('They are not one run');
  return { run, offer };
}
