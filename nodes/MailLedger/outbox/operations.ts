// What the node does with the outbox: looks at entries, counts them, and acts on them by hand.
// Invariants: nothing acts on all entries; one that was named and left as it is says why; what is to go out again is looked at.
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { Entry, EntryAct, EntryFilter, EntryState, Outbox } from '../../../engine/ledger/outbox';
import { wakeOutbox } from '../../../engine/outbox/wake';
import { isoTime } from '../../../engine/runtime/iso-time';
import { nodeError } from '../../host/n8n/node-error';
import type { MailLedgerStore } from '../actions';
import { most } from '../limit';
import { entryIds, readEntryFilter } from './filters';

/** The most entries in one query, or named in one statement. */
const PAGE = 200;

interface Act {
  /** The entries it changes, in words and by state. */
  readonly changes: string;
  readonly states: readonly EntryState[];
  /** States that a filter without any means. */
  readonly filtered?: readonly EntryState[];
}

const ACTS: Readonly<Record<EntryAct, Act>> = {
  retry: {
    changes: 'what is sent, or is being sent, cannot be retried',
    states: ['QUEUED', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
    // What may have arrived is sent again only where that is said.
    filtered: ['FAILED'],
  },
  cancel: {
    changes: 'only what waits, failed or is unknown can be cancelled',
    states: ['QUEUED', 'UNKNOWN', 'FAILED'],
  },
  markSent: { changes: 'only what is unknown can be marked as sent', states: ['UNKNOWN'] },
  forget: {
    changes: 'what waits or is being sent cannot be forgotten',
    states: ['SENT', 'FAILED', 'UNKNOWN', 'BOUNCED', 'CANCELLED'],
  },
};

type Operation = (
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
) => Promise<IDataObject[]>;

const action =
  (act: EntryAct): Operation =>
  async (context, itemIndex, store) => [{ count: await actOn(context, itemIndex, store, act) }];

export const outboxOperations: Readonly<Record<string, Operation>> = {
  get: async (context, itemIndex, { ledger }) => {
    const [id] = entryIds(context, itemIndex, 'entryId');
    const [entry] = await ledger.entriesOf({ ids: [id!] });
    if (entry) return [entryJson(entry)];
    throw nodeError(context.getNode(), `Entry ${id} is not in this mail ledger`, {
      itemIndex,
      description:
        'Entries are deleted after the time that the log keeps them. Another Mail Store credential may have it.',
    });
  },
  getAll: async (context, itemIndex, { ledger }) => {
    const found: Entry[] = [];
    const wanted = most(context, itemIndex);
    for await (const page of pages(ledger, readEntryFilter(context, itemIndex), wanted)) found.push(...page);
    return found.slice(0, wanted).map(entryJson);
  },
  getCounts: async (_context, _itemIndex, { ledger }) => {
    const { waiting, delayed, active, ...ended } = await ledger.countEntries();
    const oldest = await ledger.oldestQueuedAt();
    return [{ waiting, active, delayed, ...ended, oldestQueuedAt: isoTime(oldest) }];
  },
  cancel: action('cancel'),
  forget: action('forget'),
  markSent: action('markSent'),
  retry: action('retry'),
};

async function* pages(
  ledger: Pick<Outbox, 'entries'>,
  filter: EntryFilter,
  wanted: number,
): AsyncGenerator<readonly Entry[]> {
  let seen = 0;
  for (let after: number | null | undefined; after !== null && seen < wanted;) {
    const limit = Math.min(PAGE, wanted - seen);
    const page = await ledger.entries(filter, { ...(after !== undefined && { after }), limit });
    seen += page.entries.length;
    after = page.next;
    yield page.entries;
  }
}

/** @returns how many were changed */
async function actOn(
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
  act: EntryAct,
): Promise<number> {
  const { ledger } = store;
  const by = `workflow ${context.getWorkflow().id ?? ''}`.trimEnd();
  const isByFilter = context.getNodeParameter('entrySelect', itemIndex, 'ids') === 'filter';
  let count = 0;
  if (isByFilter) {
    const given = readEntryFilter(context, itemIndex, 'strict');
    const { filtered } = ACTS[act];
    const filter = given.states || !filtered ? given : { ...given, states: filtered };
    for await (const page of pages(ledger, filter, Infinity)) {
      const ids = page.map(({ id }) => id);
      // What has become something else since it was found is not meant any more.
      if (ids.length > 0) count += (await ledger.actOnEntries(ids, act, by, filter.states)).length;
    }
  } else {
    const ids = entryIds(context, itemIndex, 'entryIds');
    for (let start = 0; start < ids.length; start += PAGE)
      count += (await ledger.actOnEntries(ids.slice(start, start + PAGE), act, by)).length;
    if (count === 0) await refuse(context, itemIndex, ledger, ids[0]!, act);
  }
  if (act === 'retry' && count > 0) wakeOutbox(store.wake);
  return count;
}

/** @throws why the entry was left as it is, unless it is as it should be */
async function refuse(
  context: IExecuteFunctions,
  itemIndex: number,
  ledger: Pick<Outbox, 'entriesOf'>,
  id: string,
  act: EntryAct,
): Promise<void> {
  const [entry] = await ledger.entriesOf({ ids: [id] });
  const reason = entry ? refusalOf(entry, act) : `Entry ${id} is not in this mail ledger`;
  if (reason !== null) throw nodeError(context.getNode(), reason, { itemIndex });
}

function refusalOf({ id, state, hasContent }: Entry, act: EntryAct): string | null {
  const { changes, states } = ACTS[act];
  if (!states.includes(state)) return `Entry ${id} is ${state}: ${changes}`;
  if (act === 'retry' && !hasContent) return `Entry ${id} cannot be sent again: its content was forgotten`;
  return null;
}

/** In the order of the editor's columns: what people look for comes first. */
function entryJson({
  id,
  state,
  kind,
  recipient,
  subject,
  request: _,
  mayHaveArrived: _forRuns,
  origin,
  ...entry
}: Entry): IDataObject {
  const { event, ...of } = origin;
  return {
    entryId: id,
    state,
    kind,
    recipient,
    subject,
    ...entry,
    // Of the mail that it answers, as in the items of a trigger and of this node.
    eventId: event,
    ...of,
    queuedAt: isoTime(entry.queuedAt),
    dueAt: isoTime(entry.dueAt),
    begunAt: isoTime(entry.begunAt),
    settledAt: isoTime(entry.settledAt),
  };
}
