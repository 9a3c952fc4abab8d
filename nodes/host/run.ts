// The first step inside an execution: claim the event, load its mail, hand out the item, and settle the event
// when the execution ends.
// Invariant: a run that does not hold its event ends at once, empty, and nothing after it runs.
import type { IExecuteFunctions, INodeExecutionData, IRun } from 'n8n-workflow';
import { unpackContent } from '../../engine/ledger/content';
import type { Claim, Pointer } from '../../engine/ledger/ledger';
import { parseMail } from '../../engine/mail/parse';
import { pause } from '../../engine/runtime/time';
import { type ItemSettings, mailItem } from './items';
import { readPointer } from './pointer';
import { outcomeOf } from './run-end';
import { log, openStore } from './store';

/** n8n waits for what is hooked to the end of a run; a ledger that is slow settles on in the background. */
const SETTLE_MS = 2_000;

/** The end-of-run hooks of n8n's engine: not in the documented node API, so they may be missing. */
interface LifecycleHooks {
  addHandler?(name: 'workflowExecuteAfter', handler: (run: IRun) => Promise<void>): void;
}

/** The pointer that this execution was started for; null: it was started some other way. */
export function pointerOf(context: IExecuteFunctions): Pointer | null {
  const [item] = context.getInputData();
  return item ? readPointer(item.json) : null;
}

/** The item of the pointer's mail; none, if another run has or had the event. */
export async function runPointer(
  context: IExecuteFunctions,
  pointer: Pointer,
  settings: ItemSettings,
): Promise<INodeExecutionData[]> {
  const { runs } = await openStore();
  const executionId = context.getExecutionId();
  const claim = await runs.begin(pointer, executionId);
  if (!claim) {
    log.info('A run ends empty: its mail was run, or is being run, by another', { ...pointer, executionId });
    return [];
  }
  // Before anything can fail: from here on the run's end is the event's end. Without the hook the trigger's
  // done promise settles it (emit.ts).
  const { additionalData } = context as unknown as { additionalData?: { hooks?: LifecycleHooks } };
  additionalData?.hooks?.addHandler?.('workflowExecuteAfter', async (run) => {
    const settling = runs.end(pointer, outcomeOf(run));
    await Promise.race([settling, pause(SETTLE_MS, new AbortController().signal)]);
  });
  return [await claimedItem(context, claim, settings)];
}

async function claimedItem(
  context: IExecuteFunctions,
  claim: Claim,
  settings: ItemSettings,
): Promise<INodeExecutionData> {
  if (!claim.content) throw new Error(`The content of event ${claim.event} is missing from the mail ledger.`);
  const mail = await parseMail(await unpackContent(claim.content));
  const facts = {
    uid: claim.uid,
    delivery: {
      eventId: claim.event,
      attempt: claim.attempt,
      idempotencyKey: claim.idempotencyKey,
      receivedAt: claim.receivedAt === null ? null : new Date(claim.receivedAt).toISOString(),
    },
    ...(claim.truncated && { truncatedSize: claim.size }),
  };
  return mailItem(context, mail, facts, settings);
}
