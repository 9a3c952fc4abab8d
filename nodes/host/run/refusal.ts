// Runs that can have none of their mails, and that no other run stands in for: they end as errors, in words for people.
// Invariant: nothing is green that did nothing.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { Whereabouts } from '../../../engine/ledger/run-ends';
import { nodeError } from '../n8n/node-error';
import type { SentPointer } from './pointer';

type Found = ReadonlyMap<string, Whereabouts>;
type Context = Pick<IExecuteFunctions, 'getNode' | 'getMode' | 'getExecutionId'>;

/** @throws NodeOperationError, if this ledger knows none of the events: the run was offered from another one */
export function refuseUnknown(
  context: Context,
  pointers: readonly SentPointer[],
  found: Found,
  place: string,
): void {
  if (found.size > 0) return;
  const [{ event, ledger }] = pointers as [SentPointer];
  const other = ledger !== undefined && ledger !== place;
  throw nodeError(
    context.getNode(),
    other
      ? `This process works on another mail ledger than the one that handed out the mail. It was handed out from ` +
          `${ledger}; here the mail ledger is ${place}.`
      : `The mail ledger, ${place}, does not know this mail (event ${event}).`,
    {
      description: other
        ? 'Give main and all workers the same mail ledger: the same DURABLE_MAIL_POSTGRES_URL, or the same Mail Store ' +
          'credential in all nodes. The mail is not lost: it is tried again.'
        : 'Its event was deleted (Keep Events For), or another database is at this place by now.',
    },
  );
}

/** @throws NodeOperationError that says what has become of the mails that a person wants to run again */
export function refuseRetry(context: Context, pointers: readonly SentPointer[], found: Found): void {
  const mails = pointers.flatMap(({ event }) => {
    const now = found.get(event);
    return now ? [{ event, now }] : [];
  });
  // It was stopped while it began.
  if (mails.some(({ now }) => now.executionId === context.getExecutionId())) return;
  throw nodeError(
    context.getNode(),
    mails.length === 1
      ? `This mail is not run again: ${whatBecame(mails[0]!.now)} (event ${mails[0]!.event}).`
      : `None of these ${mails.length} mails is run again: ${summary(mails.map(({ now }) => now))}.`,
    { description: 'To run it once more all the same, choose Replay in the Mail Ledger node.' },
  );
}

/** In a mode in which this step should have mails and has none. @throws NodeOperationError that says so */
export function refuseWithoutMail(context: Context): never {
  throw nodeError(
    context.getNode(),
    context.getMode() === 'retry'
      ? 'There is nothing to retry: this execution was a message of the trigger to you, not the run of a mail.'
      : `The workflow was started without a mail (mode "${context.getMode()}"), so there is nothing for it to do.`,
    {
      description:
        context.getMode() === 'retry'
          ? 'Mails that were set aside are run again with the Mail Ledger node (Replay).'
          : 'It runs by itself for every new mail. To try it with the newest mail, choose Execute step in the editor.',
    },
  );
}

/** In words for people. */
export function whatBecame({ state, executionId }: Whereabouts): string {
  const by = executionId === null ? '' : ` by execution ${executionId}`;
  if (state === 'RUNNING') return `it is being run${by} at this moment`;
  if (state === 'DONE') return `it was run again since${by}, and that went well`;
  if (state === 'GONE') return 'it was deleted from its mailbox before it could be read';
  return `it is ${state}`;
}

function summary(mails: readonly Whereabouts[]): string {
  const counts = new Map<string, number>();
  for (const { state } of mails) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, count]) => `${count} ${count === 1 ? 'is' : 'are'} ${state}`).join(', ');
}
