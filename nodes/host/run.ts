// The first step inside an execution: claim the events, load their mails, hand out the items, and settle the
// events when the execution ends.
// Invariant: a run that does not hold its events ends at once, empty, and nothing after it runs.
import type { IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import { NodeOperationError } from 'n8n-workflow';
import { unpackContent } from '../../engine/ledger/content';
import type { Claim, Ledger, Pointer } from '../../engine/ledger/ledger';
import { parseMail } from '../../engine/mail/parse';
import { type ItemSettings, mailItem } from './items';
import { log } from './log';
import { readPointers } from './pointer';
import { failedOutcome, outcomeOf } from './run-end';
import { onRunEnd } from './run-hooks';
import { openStore } from './store';

/** What is in memory at a time of a run's mails, besides the items that are made of them. */
const GROUP_BYTES = 16 * 1024 * 1024;

/** A mail's bytes; only its headers where `truncated`. */
interface ReadMail {
  readonly raw: Buffer;
  readonly truncated: boolean;
}

/** Reads mails from their server, for those that are not in the ledger. */
export interface Rereader {
  /** @returns null: the server does not have it any more @throws Error: it could not be asked */
  read(claim: Claim): Promise<ReadMail | null>;
  end(): Promise<void>;
}

export interface RunSettings {
  readonly items: ItemSettings;
  /** Opens a connection to the server; called for a run only where it is needed. */
  readonly rereader: () => Promise<Rereader>;
}

/** The pointers that this execution was started for; null: it was started some other way. */
export const pointersOf = (context: IExecuteFunctions): Pointer[] | null =>
  readPointers(context.getInputData());

/** The items of the pointers' mails; none, if another run has or had the events. */
export async function runPointers(
  context: IExecuteFunctions,
  pointers: readonly Pointer[],
  settings: RunSettings,
): Promise<INodeExecutionData[]> {
  const { runs, ledger } = await openStore(context);
  const executionId = context.getExecutionId();
  // Before the claim: a run that is stopped while it claims tells its end once, then. Without the hook the
  // trigger's done promise settles what is claimed (emit.ts).
  onRunEnd(context, async (run) => runs.end(executionId, outcomeOf(run)));
  const claims = await runs.begin(pointers, executionId);
  try {
    if (context.getExecutionCancelSignal()?.aborted) throw new Error('The run was stopped before it began.');
    const { items, gone } = await itemsOf(context, ledger, pointers, claims, settings);
    if (gone.length > 0) {
      log.warn('Mail was deleted from its mailbox before it could be read', {
        events: gone.map(({ event }) => event).join(', '),
      });
      await runs.gone(executionId, gone);
    }
    if (items.length > 0) return items;
  } catch (error) {
    // n8n may be set to go on after errors: it would call this run a success.
    // Not waited for: the ledger may be what failed.
    void runs.end(executionId, failedOutcome(error));
    throw new NodeOperationError(context.getNode(), error as Error);
  }
  log.info('A run ends empty: its mail was run, or is being run, by another, or is gone', { executionId });
  refuseOutputForNothing(context);
  return [];
}

/** With this setting n8n would run the workflow on an item that is nobody's mail. */
function refuseOutputForNothing(context: IExecuteFunctions): void {
  if (context.getNode().alwaysOutputData !== true) return;
  throw new Error(
    'This run has nothing to do. Switch off "Always Output Data" in the settings of the trigger.',
  );
}

async function itemsOf(
  context: IExecuteFunctions,
  ledger: Ledger,
  pointers: readonly Pointer[],
  claims: readonly Claim[],
  settings: RunSettings,
): Promise<{ items: INodeExecutionData[]; gone: Claim[] }> {
  const items: INodeExecutionData[] = [];
  const gone: Claim[] = [];
  let rereader: Rereader | undefined;
  try {
    for (const group of groupBySize(claims)) {
      const contents = await ledger.contents(group.map(({ event }) => event));
      for (const claim of group) {
        const stored = contents.get(claim.event);
        const mail = stored
          ? { raw: await unpackContent(stored), truncated: false }
          : await (rereader ??= await settings.rereader()).read(claim);
        if (!mail) {
          gone.push(claim);
          continue;
        }
        const item = pointers.findIndex(({ event }) => event === claim.event);
        items.push({ ...(await itemOf(context, claim, mail, settings.items)), pairedItem: { item } });
      }
    }
  } finally {
    await rereader?.end();
  }
  return { items, gone };
}

async function itemOf(
  context: IExecuteFunctions,
  claim: Claim,
  { raw, truncated }: ReadMail,
  settings: ItemSettings,
): Promise<INodeExecutionData> {
  const facts = {
    uid: claim.uid,
    delivery: {
      eventId: claim.event,
      attempt: claim.attempt,
      idempotencyKey: claim.idempotencyKey,
      receivedAt: claim.receivedAt === null ? null : new Date(claim.receivedAt).toISOString(),
    },
    ...(truncated && { truncatedSize: claim.size }),
  };
  return mailItem(context, await parseMail(raw), facts, settings);
}

/** In order; the mails of a group fit in memory together. */
function groupBySize(claims: readonly Claim[]): Claim[][] {
  const groups: Claim[][] = [];
  let bytes = Infinity;
  for (const claim of claims) {
    if (bytes + claim.size > GROUP_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(claim);
    bytes += claim.size;
  }
  return groups;
}
