// Looking at mailboxes now, and trying those again now that could not be read: whoever watches them is called, in whatever
// process of n8n that is.
// Invariant: it is a hint: what comes of it is seen in how the mailbox is doing; a mailbox that nobody watches is said so.
import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { SourceHealth } from '../../engine/ledger/inspection';
import { lookKey } from '../../engine/source/notices';
import { nodeError } from '../host/n8n/node-error';
import type { MailLedgerStore } from './actions';
import { textList } from './filters';
import { sourceJson } from './output';

export type LookName = 'lookNow' | 'tryAgainNow';

const NOBODY =
  'Nobody watches this mailbox: its workflow is not published, or it or its trigger was deleted. Publish it.';

export async function look(
  context: IExecuteFunctions,
  itemIndex: number,
  { ledger, wake }: MailLedgerStore,
  name: LookName,
): Promise<IDataObject[]> {
  const all = await ledger.sources();
  const chosen = choose(context, itemIndex, all, name);
  wake.notify(chosen.filter(({ served }) => served).map(({ id }) => lookKey(id)));
  return chosen.map((source) => ({
    ...sourceJson(source),
    asked: source.served,
    ...(!source.served && { message: NOBODY }),
  }));
}

function choose(
  context: IExecuteFunctions,
  itemIndex: number,
  all: readonly SourceHealth[],
  name: LookName,
): readonly SourceHealth[] {
  if (context.getNodeParameter('sources', itemIndex, 'all') === 'all')
    return name === 'lookNow' ? all.filter(({ served }) => served) : all.filter(isTroubled);
  const ids = textList(context.getNodeParameter('sourceIds', itemIndex, ''));
  if (ids.length === 0) throw nodeError(context.getNode(), 'The source ID is empty', { itemIndex });
  return [...new Set(ids)].map((id) => {
    const source = all.find((known) => String(known.id) === id);
    if (source) return source;
    throw nodeError(context.getNode(), `"${id.slice(0, 80)}" is not a source of this mail ledger`, {
      itemIndex,
      description: 'Get Many of the resource Source shows them, each with its sourceId.',
    });
  });
}

const isTroubled = ({ served, state, connection }: SourceHealth): boolean =>
  served && (state === 'error' || state === 'retry_scheduled' || connection === 'backing_off');
