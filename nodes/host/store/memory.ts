// What n8n's own database remembers of a trigger, for when the mail ledger does not: which ledger it was, what was
// watched, and until when all was well. Kept in the node's static data, which n8n saves when a trigger has started and
// when a run has ended.
// Invariant: it is never written from a trigger that has started already: n8n would save what it knew of the whole
// workflow then over what runs have stored since.
import type { IDataObject, IExecuteFunctions, ITriggerFunctions } from 'n8n-workflow';
import type { Ledger } from '../../../engine/ledger/ledger';
import type { Claim } from '../../../engine/ledger/pointer';
import { errorText } from '../../../engine/runtime/log';
import { log } from '../n8n/log';

const KEY = 'durableMail';
/** How often runs write it: the mails of so long may run again after the ledger was lost. */
const EVERY_MS = 10 * 60_000;

export interface Memory {
  readonly ledgerId: string;
  /** The ledger's place, for people. */
  readonly place: string;
  /** Everything that the server received before was recorded, ms since 1970, this machine's clock. */
  readonly at: number;
  /** Names of the sources (engine/ledger/keys.ts); none: they are not known. */
  readonly sources: readonly string[];
}

type Context = Pick<ITriggerFunctions, 'getNode' | 'getWorkflow'> &
  Partial<Pick<ITriggerFunctions, 'getInstanceId' | 'getWorkflowStaticData'>>;

/** @returns null: nothing, or it is that of another node: a copied workflow has its original's */
export function recall(context: Context): Memory | null {
  const { memory, of } = stored(context);
  if (!memory || of !== owner(context)) return null;
  const { ledgerId, place, at, sources } = memory;
  if (typeof ledgerId !== 'string' || typeof place !== 'string') return null;
  if (typeof at !== 'number' || !Array.isArray(sources)) return null;
  return { ledgerId, place, at, sources: sources.map(String) };
}

/** To be called before the trigger has started, or in a run. */
export function remember(context: Context, { ledgerId, place, at, sources }: Memory): void {
  const data = context.getWorkflowStaticData?.('node');
  if (data) data[KEY] = { of: owner(context), ledgerId, place, at, sources: [...sources] };
}

/** A run has claimed mails: now and then that is written down; n8n saves it when the run has ended. Never throws. */
export async function rememberRun(
  context: IExecuteFunctions,
  ledger: Pick<Ledger, 'ledgerId' | 'place'>,
  claims: readonly Pick<Claim, 'receivedAt'>[],
): Promise<void> {
  try {
    const known = recall(context);
    const received = claims.flatMap(({ receivedAt }) => receivedAt ?? []);
    const at = Math.min(Date.now(), ...received);
    if (received.length === 0 || (known && at - known.at < EVERY_MS)) return;
    const ledgerId = await ledger.ledgerId();
    // The next start of the trigger has to find out what was lost.
    if (known && known.ledgerId !== ledgerId) return;
    remember(context, { ledgerId, place: ledger.place, at, sources: known?.sources ?? [] });
  } catch (error) {
    log.debug(`How far mail was run could not be written down: ${errorText(error)}`);
  }
}

function stored(context: Context): { readonly memory?: IDataObject; readonly of?: unknown } {
  const memory = context.getWorkflowStaticData?.('node')[KEY] as IDataObject | undefined;
  return memory ? { memory, of: memory['of'] } : {};
}

/** One text for one node of one workflow in one n8n. */
const owner = (context: Context): string =>
  JSON.stringify([context.getInstanceId?.() ?? null, context.getWorkflow().id ?? null, context.getNode().id]);
