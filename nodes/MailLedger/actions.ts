// The actions on events by hand: which events, and why one that was named was left as it is.
// Invariant: nothing acts on all events unless a person chose just that.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { Runs } from '../../engine/delivery/runs';
import type { Annotations } from '../../engine/ledger/annotations';
import type { EventFilter, EventRecord, Inspection, Selection } from '../../engine/ledger/inspection';
import type { Ledger } from '../../engine/ledger/ledger';
import type { Outbox } from '../../engine/ledger/outbox';
import type { Templates } from '../../engine/ledger/templates';
import type { Wake } from '../../engine/signal/wake';
import type { EventState } from '../../engine/ledger/states';
import { nodeError } from '../host/n8n/node-error';
import { eventIds, readFilter } from './filters';

export interface MailLedgerStore {
  readonly ledger: Inspection &
    Annotations &
    Templates &
    Pick<Outbox, 'entries' | 'entriesOf' | 'countEntries' | 'oldestQueuedAt' | 'actOnEntries'> &
    Pick<Ledger, 'ledgerId' | 'place' | 'takeOver'>;
  readonly wake: Pick<Wake, 'notify'>;
  readonly runs: Pick<Runs, 'mailEvents'>;
}

export type ActionName = 'forget' | 'markDone' | 'replay' | 'retryNow';

/** How many events are named in one statement. */
const BATCH = 200;

interface Action {
  /** The events are to run. */
  readonly runs?: true;
  /** The events it changes, in words and by state. */
  readonly changes: string;
  readonly states: readonly EventState[];
  /** What "all" means. */
  readonly all: EventFilter;
  /** States that a filter without any means. */
  readonly filtered?: readonly EventState[];
}

const SETTLED: readonly EventState[] = ['DONE', 'DEAD', 'GONE', 'UNKNOWN'];

const ACTIONS: Readonly<Record<ActionName, Action>> = {
  replay: {
    runs: true,
    changes: 'only settled events can be replayed',
    states: SETTLED,
    all: { states: ['DEAD'] },
    filtered: ['DEAD', 'UNKNOWN'],
  },
  retryNow: {
    runs: true,
    changes: 'only events that wait for a retry can be retried now',
    states: ['RETRY'],
    all: { states: ['RETRY'] },
    filtered: ['RETRY'],
  },
  markDone: {
    changes: 'an event that is being run cannot be marked as done',
    // What is DONE already is as it should be.
    states: ['PENDING', 'RETRY', ...SETTLED],
    all: {},
  },
  forget: {
    changes: 'only the content of settled events can be forgotten',
    states: SETTLED,
    all: {},
  },
};

export interface Acted {
  readonly count: number;
  /** How many of them nobody runs, and why, where they are to run. */
  readonly unserved?: number;
  readonly message?: string;
}

/** @returns how many events were changed */
export async function act(
  context: IExecuteFunctions,
  itemIndex: number,
  { ledger, wake }: MailLedgerStore,
  name: ActionName,
): Promise<Acted> {
  let count = 0;
  let unserved = 0;
  const selections = readSelections(context, itemIndex, name);
  const by = `workflow ${context.getWorkflow().id ?? ''}`.trimEnd();
  for (const selection of selections) {
    const changed = await ledger[name](selection, by);
    if (changed.subscriptionIds.length > 0) wake.notify(changed.subscriptionIds);
    count += changed.count;
    unserved += changed.unserved;
  }
  const [named] = selections;
  if (count === 0 && named && 'ids' in named) {
    const reason = refusalOf(named.ids[0]!, await ledger.event(named.ids[0]!), name);
    if (reason) throw nodeError(context.getNode(), reason, { itemIndex });
  }
  return ACTIONS[name].runs && unserved > 0 ? { count, unserved, message: nobodyRuns(unserved) } : { count };
}

function nobodyRuns(count: number): string {
  const [belong, they] =
    count === 1 ? ['1 of these emails belongs', 'It runs'] : [`${count} of these emails belong`, 'They run'];
  return (
    `${belong} to a trigger that does not listen: its workflow is not published, or the workflow or the trigger was ` +
    `deleted. ${they} when that workflow is published with a trigger for the same mailbox.`
  );
}

function readSelections(context: IExecuteFunctions, itemIndex: number, name: ActionName): Selection[] {
  const { all, filtered } = ACTIONS[name];
  const select = context.getNodeParameter('select', itemIndex) as string;
  if (select === 'all' && all.states) return [{ filter: all }];
  if (select === 'filter') {
    const filter = readFilter(context, itemIndex, 'strict');
    return [{ filter: filter.states || !filtered ? filter : { ...filter, states: filtered } }];
  }
  const ids = eventIds(context, itemIndex, 'eventIds');
  const selections: Selection[] = [];
  for (let start = 0; start < ids.length; start += BATCH) {
    selections.push({ ids: ids.slice(start, start + BATCH) });
  }
  return selections;
}

/** Why the event was left as it is; null: it is as it should be. */
function refusalOf(id: string, event: EventRecord | null, name: ActionName): string | null {
  if (!event) return `Event ${id} is not in this mail ledger`;
  const { changes, states } = ACTIONS[name];
  if (!states.includes(event.state)) return `Event ${id} is ${event.state}: ${changes}`;
  if (name === 'forget' && !isForgotten(event))
    return `The email of event ${id} has another event that is not settled yet`;
  return null;
}

const isForgotten = ({ sender, subject, hasContent }: EventRecord): boolean =>
  sender === null && subject === null && !hasContent;
