// The methods of the Gmail API, v1, for one account: https://developers.google.com/gmail/api/reference/rest
import { attachment, inFormat, readFormat } from './formats';
import type { Call } from './call';
import { type Answer, ApiError, json, nothing, notFound, readJson, readTexts } from './http';
import type { StoredMessage } from './mailbox';
import { listMessages } from './listing';
import { insert } from './insert';

interface Method {
  readonly name: string;
  readonly verb: string;
  readonly path: RegExp;
  readonly writes: boolean;
  readonly run: (call: Call) => Answer;
}

const method = (name: string, route: string, run: (call: Call) => Answer): Method => {
  const [verb = '', path = ''] = route.split(' ');
  const source = path.replace(/:(\w+)/g, '(?<$1>[^/]+)');
  return { name, verb, path: new RegExp(`^${source}$`), writes: verb !== 'GET' && name !== 'watch', run };
};

const METHODS: readonly Method[] = [
  method('profile', 'GET profile', ({ address, mailbox }) =>
    json({
      emailAddress: address,
      messagesTotal: mailbox.messages.size,
      threadsTotal: new Set([...mailbox.messages.values()].map(({ threadId }) => threadId)).size,
      historyId: String(mailbox.history.last),
    }),
  ),
  method('history.list', 'GET history', ({ mailbox, query, behaviour }) =>
    json(
      mailbox.history.page(
        {
          startHistoryId: query.get('startHistoryId'),
          types: query.getAll('historyTypes'),
          labelId: query.get('labelId'),
          maxResults: mostResults(query),
          pageToken: query.get('pageToken'),
        },
        behaviour,
      ),
    ),
  ),
  method('messages.list', 'GET messages', ({ mailbox, query, behaviour }) =>
    json(
      listMessages(mailbox, query, Math.min(mostResults(query), behaviour.pageLimit), behaviour.searchLagMs),
    ),
  ),
  method('messages.batchModify', 'POST messages/batchModify', ({ mailbox, body }) => {
    const request = readJson(body);
    for (const id of someIds(request)) mailbox.change(id, ...changeOf(request));
    return nothing;
  }),
  method('messages.batchDelete', 'POST messages/batchDelete', ({ mailbox, body }) => {
    for (const id of someIds(readJson(body))) mailbox.remove(id);
    return nothing;
  }),
  method('messages.send', 'POST messages/send', (call) => insert(call, 'send')),
  method('messages.import', 'POST messages/import', (call) => insert(call, 'import')),
  method('messages.insert', 'POST messages', (call) => insert(call, 'insert')),
  method('messages.get', 'GET messages/:id', (call) => {
    const names = call.query.getAll('metadataHeaders');
    return json(inFormat(message(call), readFormat(call.query.get('format') ?? 'full'), names));
  }),
  method('messages.delete', 'DELETE messages/:id', (call) => {
    call.mailbox.remove(message(call).id);
    return nothing;
  }),
  method('messages.modify', 'POST messages/:id/modify', (call) =>
    change(call, ...changeOf(readJson(call.body))),
  ),
  method('messages.trash', 'POST messages/:id/trash', (call) => change(call, ['TRASH'], ['INBOX', 'SPAM'])),
  method('messages.untrash', 'POST messages/:id/untrash', (call) => change(call, [], ['TRASH'])),
  method('messages.attachments.get', 'GET messages/:id/attachments/:attachment', (call) => {
    const answer = attachment(message(call), call.at.attachment!);
    if (!answer) throw notFound();
    return json(answer);
  }),
  method('labels.list', 'GET labels', ({ mailbox }) => json({ labels: [...mailbox.labels.values()] })),
  method('labels.create', 'POST labels', ({ mailbox, body }) => {
    const { name } = readJson(body);
    if (typeof name !== 'string' || name === '')
      throw new ApiError(400, 'Invalid label name', { reason: 'invalidArgument' });
    return json(mailbox.addLabel(name));
  }),
  method('labels.get', 'GET labels/:id', ({ mailbox, at }) => {
    const label = mailbox.labels.get(at.id!);
    if (!label) throw notFound();
    const all = [...mailbox.messages.values()].filter(({ labelIds }) => labelIds.includes(label.id));
    const unread = all.filter(({ labelIds }) => labelIds.includes('UNREAD')).length;
    return json({ ...label, messagesTotal: all.length, messagesUnread: unread });
  }),
  method('labels.delete', 'DELETE labels/:id', ({ mailbox, at }) => {
    if (!mailbox.deleteLabel(at.id!)) throw notFound();
    return nothing;
  }),
  method('watch', 'POST watch', ({ mailbox, body, watch }) => {
    const request = readJson(body);
    const { topicName, labelFilterBehavior, labelFilterAction } = request;
    if (typeof topicName !== 'string' || !/^projects\/[^/]+\/topics\/[^/]+$/.test(topicName))
      throw new ApiError(400, `Invalid topicName does not match projects/*/topics/*`, {
        reason: 'invalidArgument',
      });
    const isExcluding = [labelFilterBehavior, labelFilterAction].some(
      (each) => typeof each === 'string' && each.toUpperCase() === 'EXCLUDE',
    );
    const expiration = watch({ topic: topicName, labelIds: readTexts(request, 'labelIds'), isExcluding });
    return json({ historyId: String(mailbox.history.last), expiration: String(expiration) });
  }),
  method('stop', 'POST stop', ({ stop }) => {
    stop();
    return nothing;
  }),
];

/** @param rest of the path, behind users/{user}/ */
export function findMethod(
  verb: string,
  rest: string,
): { readonly method: Method; readonly at: Readonly<Record<string, string>> } | null {
  for (const each of METHODS) {
    const match = each.verb === verb ? each.path.exec(rest) : null;
    if (match) return { method: each, at: match.groups ?? {} };
  }
  return null;
}

/** @throws ApiError 404; 400: no id at all */
function message({ mailbox, at }: Call): StoredMessage {
  if (!/^[0-9a-f]+$/i.test(at.id!))
    throw new ApiError(400, 'Invalid id value', { reason: 'invalidArgument' });
  const found = mailbox.messages.get(at.id!);
  if (!found) throw notFound();
  return found;
}

function change(call: Call, add: readonly string[], remove: readonly string[]): Answer {
  const { id, threadId, labelIds } = call.mailbox.change(message(call).id, add, remove)!;
  return json({ id, threadId, labelIds });
}

/** @throws ApiError 400 */
function changeOf(request: Record<string, unknown>): [add: readonly string[], remove: readonly string[]] {
  const [add, remove] = [readTexts(request, 'addLabelIds'), readTexts(request, 'removeLabelIds')];
  const wrong = (text: string): ApiError => new ApiError(400, text, { reason: 'invalidArgument' });
  if (add.length + remove.length === 0) throw wrong('No label add or removes specified');
  if (add.some((id) => remove.includes(id))) throw wrong('Cannot both add and remove the same label');
  const fixed = [...add, ...remove].find((id) => ['SENT', 'DRAFT', 'SCHEDULED', 'CHAT'].includes(id));
  if (fixed !== undefined) throw wrong(`Invalid label: ${fixed}`);
  return [add, remove];
}

/** @throws ApiError 400: none, or more than 1,000 */
function someIds(request: Record<string, unknown>): readonly string[] {
  const ids = readTexts(request, 'ids');
  if (ids.length > 0 && ids.length <= 1_000) return ids;
  const text = ids.length === 0 ? 'No message ids specified' : 'Too many message ids specified';
  throw new ApiError(400, text, { reason: 'invalidArgument' });
}

function mostResults(query: URLSearchParams): number {
  const text = query.get('maxResults');
  if (text === null) return 100;
  if (!/^\d{1,9}$/.test(text))
    throw new ApiError(400, `Invalid value at 'max_results' (TYPE_UINT32), "${text}"`);
  return Math.min(Math.max(Number(text), 1), 500);
}
