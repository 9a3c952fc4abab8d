// What the node does for each of its input items, by resource and operation.
// Invariants: items have their answers in their order, and, as far as anybody can see, are done in it; an action wakes the subscriptions whose events it changed.
import type { IDataObject, IExecuteFunctions, INodeExecutionData } from 'n8n-workflow';
import type { EventFilter, EventRecord, Inspection } from '../../engine/ledger/inspection';
import { nodeError } from '../host/n8n/node-error';
import { act, type ActionName, type MailLedgerStore } from './actions';
import { annotate, removeAnnotation } from './annotate';
import { Answers } from './answers';
import { eventIds, readFilter, readWorkflowId } from './filters';
import { most } from './limit';
import { look } from './look';
import { Notings } from './noting';
import { outboxOperations } from './outbox/operations';
import { templateOperations } from './outbox/templates';
import { eventJson, sourceJson, statisticsJson } from './output';

/** The most events in one query. */
const PAGE = 200;

type Operation = (
  context: IExecuteFunctions,
  itemIndex: number,
  store: MailLedgerStore,
) => Promise<IDataObject[]>;

/** Notes something for its item, together with other items. */
interface NoteOperation {
  readonly notes: typeof annotate;
}

const action =
  (name: ActionName): Operation =>
  async (context, itemIndex, store) => [{ ...(await act(context, itemIndex, store, name)) }];

const OPERATIONS: Readonly<Record<string, Readonly<Record<string, Operation | NoteOperation>>>> = {
  event: {
    get: async (context, itemIndex, { ledger }) => {
      const [id] = eventIds(context, itemIndex, 'eventId');
      const event = await ledger.event(id!);
      if (event) return [eventJson(event)];
      throw nodeError(context.getNode(), `Event ${id} is not in this mail ledger`, {
        itemIndex,
        description:
          'Events are deleted after the time that their trigger keeps them. Another Mail Store credential may have it.',
      });
    },
    getAll: async (context, itemIndex, { ledger }) => {
      const events = await manyEvents(ledger, readFilter(context, itemIndex), most(context, itemIndex));
      return events.map(eventJson);
    },
    annotate: { notes: annotate },
    forget: action('forget'),
    markDone: action('markDone'),
    removeAnnotation: { notes: removeAnnotation },
    replay: action('replay'),
    retryNow: action('retryNow'),
  },
  ledger: {
    takeOver: async (_context, _itemIndex, { ledger }) => {
      const takenFrom = await ledger.takeOver();
      return [{ ledgerId: await ledger.ledgerId(), place: ledger.place, takenFrom }];
    },
  },
  outbox: outboxOperations,
  source: {
    getAll: async (_context, _itemIndex, { ledger }) => (await ledger.sources()).map(sourceJson),
    lookNow: (...asked) => look(...asked, 'lookNow'),
    tryAgainNow: (...asked) => look(...asked, 'tryAgainNow'),
  },
  statistics: {
    getByState: async (context, itemIndex, { ledger }) => {
      const workflow = readWorkflowId(context, itemIndex);
      return [statisticsJson(await ledger.statistics(workflow), await ledger.unserved(workflow))];
    },
  },
  template: templateOperations,
};

async function manyEvents(ledger: Inspection, filter: EventFilter, most: number): Promise<EventRecord[]> {
  const found: EventRecord[] = [];
  for (let after: number | null | undefined; after !== null && found.length < most;) {
    const limit = Math.min(PAGE, most - found.length);
    const page = await ledger.events(filter, { ...(after !== undefined && { after }), limit });
    found.push(...page.events);
    after = page.next;
  }
  return found;
}

/** One operation for each input item; what several note, together. */
export async function runMailLedger(
  context: IExecuteFunctions,
  openStore: (context: IExecuteFunctions) => Promise<MailLedgerStore>,
): Promise<INodeExecutionData[]> {
  const answers = new Answers(context);
  const notings = new Notings();
  const noteAll = async (): Promise<void> => {
    for (const [itemIndex, answered] of await notings.note())
      await answers.of(itemIndex, async () => [await answered()]);
  };
  try {
    for (const itemIndex of context.getInputData().keys()) {
      await answers.of(itemIndex, async () => {
        const store = await openStore(context);
        const operation = operationOf(context, itemIndex);
        if (typeof operation === 'function') {
          await noteAll();
          return operation(context, itemIndex, store);
        }
        const noting = operation.notes(context, itemIndex, store);
        if (notings.isFullFor(noting)) await noteAll();
        notings.add(noting, store.ledger);
        return [];
      });
    }
  } finally {
    // Those before an item that ends the run, too.
    await noteAll();
  }
  return answers.all();
}

function operationOf(context: IExecuteFunctions, itemIndex: number): Operation | NoteOperation {
  const resource = context.getNodeParameter('resource', itemIndex);
  const name = context.getNodeParameter('operation', itemIndex);
  const operation = OPERATIONS[resource]?.[name];
  if (operation) return operation;
  throw nodeError(context.getNode(), `There is no operation "${name}" for "${resource}"`);
}
