// "Retry" in n8n's list of executions, of a run whose trigger had done its part: n8n goes on at the step that failed, and
// the trigger is not asked. So what is retried is known by the items that the trigger had handed out: their events are
// claimed for this run before its first step, and end with it.
// Invariant: a mail is run by one execution at a time, and one that was run well since is not run again.
import type { ICredentialDataDecryptedObject, INode, IRunExecutionData } from 'n8n-workflow';
import { UserError } from 'n8n-workflow';
import type { Whereabouts } from '../../../engine/ledger/run-ends';
import { errorText } from '../../../engine/runtime/log';
import { processWide } from '../../../engine/runtime/process-wide';
import type { ExecutionBegins, ExecutionListener } from '../n8n/lifecycle-events';
import { storedCredential } from '../n8n/internals';
import { listenToExecutions, modeOf } from '../n8n/lifecycle-events';
import { log } from '../n8n/log';
import { isNamedByCredential, MAIL_STORE } from '../store/mail-store-choice';
import { sayWeaker } from '../n8n/weaker';
import { outcomeOf } from './end';
import { whatBecame } from './refusal';
import { openStore, processState, type Store, type StoreContext } from '../store/store';
import { isOurTrigger } from '../n8n/workflow-triggers';

/** A mail as the trigger had handed it out: `delivery` of its item. */
interface HandedOut {
  readonly event: string;
  readonly attempt: number;
}

/** From the first call on, in this process, whatever copy of the package makes it. */
export function watchRetries(): void {
  const isTold = processWide('retries', () => listenToExecutions(retries));
  if (!isTold) sayNotTold();
}

const sayNotTold = (): void =>
  sayWeaker(
    'This n8n does not tell of the executions that it begins: a failed run that a person retries at a later step is not ' +
      'counted in the mail ledger, which may run its mail again.',
  );

const retries: ExecutionListener = {
  begins: async (execution) => {
    // An older n8n tells that one begins, and not which.
    if ((execution.executionId as string | undefined) === undefined) {
      sayNotTold();
      return;
    }
    if ((execution.mode ?? 'retry') !== 'retry' || !execution.workflowInstance) return;
    const { nodes } = execution.workflow as Partial<ExecutionBegins['workflow']>;
    if (!Array.isArray(nodes)) {
      sayNotTold();
      return;
    }
    for (const node of nodes) {
      if (!isOurTrigger(node.type)) continue;
      const mails = handedOut(execution.executionData, node);
      if (mails.length > 0 && (await modeOf(execution)) === 'retry') await claimAgain(execution, node, mails);
    }
  },

  ends: async ({ executionId, runData }) => {
    if (runData.mode !== 'retry') return;
    for (const { opening } of processState().engines.values()) {
      const store = await opening.catch(() => null);
      await store?.runs.end(executionId, outcomeOf(runData));
    }
  },
};

async function claimAgain(
  execution: ExecutionBegins,
  node: INode,
  mails: readonly HandedOut[],
): Promise<void> {
  const events = mails.map(({ event }) => event);
  const { store, found } = await lookUp(node, events);
  if (!store) return;
  refuse(execution.executionId, mails, found);
  const alive = new WeakRef(execution.workflowInstance!);
  const watched = { isAlive: () => alive.deref() !== undefined, endIsTold: true };
  await store.runs.beginByHand(events, execution.executionId, watched);
}

/** @throws UserError: another run has the mail, or it was run well by a later one */
function refuse(
  executionId: string,
  mails: readonly HandedOut[],
  found: ReadonlyMap<string, Whereabouts>,
): void {
  for (const { event, attempt } of mails) {
    const now = found.get(event);
    if (!now || now.executionId === executionId) continue;
    // The same attempt went well, up to a Wait node: what came after that may be retried.
    const isRunElsewhere = now.state === 'RUNNING' || (now.state === 'DONE' && now.attempt > attempt);
    if (!isRunElsewhere) continue;
    throw new UserError(
      `This retry does nothing, so that nothing is done twice: its mail (event ${event}) has another run; ` +
        `${whatBecame(now)}. ` +
        'To run it once more all the same, choose Replay in the Mail Ledger node.',
    );
  }
}

/**
 * The ledger that knows the events: the node's, or one that this process has open.
 * @returns no store: none of them is known; then the retry is n8n's alone
 */
async function lookUp(
  node: INode,
  events: readonly string[],
): Promise<{ store: Store | null; found: ReadonlyMap<string, Whereabouts> }> {
  const stores = [...processState().engines.values()].map(({ opening }) => opening);
  const own = await asIfItRan(node);
  if (own) stores.unshift(openStore(own));
  let fault: unknown;
  for (const opening of stores) {
    try {
      const store = await opening;
      const found = await store.ledger.whereabouts(events);
      if (found.size > 0) return { store, found };
    } catch (error) {
      fault ??= error;
    }
  }
  if (fault !== undefined) {
    throw new UserError(
      `This retry was not begun: nobody can say whether its mail has another run. ${errorText(fault)}`,
    );
  }
  log.warn('A retry goes on without the mail ledger, which does not know its mails', {
    events: events.join(', '),
  });
  return { store: null, found: new Map() };
}

/** What the node's ledger is opened by. @returns null: it is named by a credential that cannot be had here */
async function asIfItRan(node: INode): Promise<StoreContext | null> {
  const named = node.credentials?.[MAIL_STORE];
  let credential: ICredentialDataDecryptedObject | null = null;
  if (isNamedByCredential(node)) {
    credential = named ? await storedCredential(named, MAIL_STORE).catch(() => null) : null;
    if (!credential) {
      sayWeaker(
        'This n8n does not show the credential of a Mail Store to a retry: a failed run that a person retries at a later ' +
          'step is counted only by a process that has run mails of the same ledger before.',
      );
      return null;
    }
  }
  return {
    getNode: () => node,
    getCredentials: <T extends object>() => Promise.resolve(credential as T),
  };
}

/** What the trigger's step handed out in the run that is retried; nothing, if it is that step that is retried. */
function handedOut(data: IRunExecutionData | undefined, { name }: INode): HandedOut[] {
  const items = data?.resultData.runData[name]?.at(-1)?.data?.['main']?.[0] ?? [];
  return items.flatMap(({ json }) => {
    const delivery = json['delivery'] as { eventId?: unknown; attempt?: unknown } | undefined;
    return typeof delivery?.eventId === 'string' && typeof delivery.attempt === 'number'
      ? [{ event: delivery.eventId, attempt: delivery.attempt }]
      : [];
  });
}
