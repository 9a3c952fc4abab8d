// The history of a mailbox: what changed, under ids that rise and leave gaps, back to a horizon.
// https://developers.google.com/gmail/api/reference/rest/v1/users.history/list
import { ApiError, notFound } from './http';

export interface MessageFacts {
  readonly id: string;
  readonly threadId: string;
  readonly labelIds: readonly string[];
}

export type HistoryType = 'messageAdded' | 'messageDeleted' | 'labelAdded' | 'labelRemoved';

interface Change {
  readonly id: bigint;
  readonly type: HistoryType;
  /** As it was then. */
  readonly message: MessageFacts;
  /** Labels that came or went. */
  readonly labelIds: readonly string[];
}

/** How records are handed out; what was really seen of Gmail, to be switched on. */
export interface HistoryHabits {
  /** In no order (google-api-nodejs-client#3508). */
  unordered: boolean;
  /** Each record comes again some records later, and so on another page. */
  repeated: boolean;
  /** Records on a page at the most. */
  pageLimit: number;
}

export interface HistoryQuery {
  readonly startHistoryId: string | null;
  readonly types: readonly string[];
  readonly labelId: string | null;
  readonly maxResults: number;
  readonly pageToken: string | null;
}

interface PageToken {
  readonly start: string;
  /** The newest record when the first page was read: what is newer comes behind, in order. */
  readonly end: string;
  readonly offset: number;
}

export class History {
  readonly #changes: Change[] = [];
  #last: bigint;
  #horizon: bigint;

  constructor(start: bigint) {
    this.#last = start;
    this.#horizon = start;
  }

  /** The mailbox's current id. */
  get last(): bigint {
    return this.#last;
  }

  write(type: HistoryType, message: MessageFacts, labelIds: readonly string[] = []): bigint {
    this.#last += BigInt(1 + Math.floor(Math.random() * 40));
    const facts = { id: message.id, threadId: message.threadId, labelIds: [...message.labelIds] };
    this.#changes.push({ id: this.#last, type, message: facts, labelIds });
    return this.#last;
  }

  /** What was before now is forgotten. */
  expire(): void {
    // Nobody's cursor stands at the horizon then: the id of now itself was not yet handed out.
    this.#last += 1n + BigInt(Math.floor(Math.random() * 40));
    this.#horizon = this.#last;
    this.#changes.length = 0;
  }

  /** @throws ApiError 404: older than the horizon, or not yet reached; 400: nonsense */
  page(query: HistoryQuery, habits: HistoryHabits): object {
    const start = historyId(query.startHistoryId);
    if (start < this.#horizon || start > this.#last) throw notFound();
    const token = query.pageToken === null ? null : readPageToken(query.pageToken);
    if (token && token.start !== String(start)) throw badToken();
    const end = token ? BigInt(token.end) : this.#last;
    const offset = token?.offset ?? 0;
    const wanted = this.#changes.filter((change) => change.id > start && isWanted(change, query));
    const first = arranged(
      wanted.filter(({ id }) => id <= end),
      habits,
    );
    const all = [...first, ...wanted.filter(({ id }) => id > end)];
    const size = Math.min(query.maxResults, habits.pageLimit);
    const page = all.slice(offset, offset + size);
    const next: PageToken = { start: String(start), end: String(end), offset: offset + size };
    return {
      ...(page.length > 0 && { history: page.map(record) }),
      ...(all.length > offset + size && { nextPageToken: writePageToken(next) }),
      historyId: String(this.#last),
    };
  }
}

/** @throws ApiError 400 */
function historyId(text: string | null): bigint {
  if (text === null || text === '') throw new ApiError(400, 'Missing required parameter: startHistoryId');
  if (/^\d{1,20}$/.test(text) && BigInt(text) < 2n ** 64n) return BigInt(text);
  throw new ApiError(400, `Invalid value at 'start_history_id' (TYPE_UINT64), "${text}"`);
}

function isWanted({ type, message, labelIds }: Change, query: HistoryQuery): boolean {
  const isOfType = query.types.length === 0 || query.types.includes(type);
  const { labelId } = query;
  return isOfType && (labelId === null || message.labelIds.includes(labelId) || labelIds.includes(labelId));
}

function arranged(changes: readonly Change[], { unordered, repeated }: HistoryHabits): readonly Change[] {
  const sequence: Change[] = [];
  changes.forEach((change, index) => {
    sequence.push(change);
    const earlier = changes[index - 2];
    if (repeated && earlier) sequence.push(earlier);
  });
  if (repeated) sequence.push(...changes.slice(-2));
  // The same for each page of one list, and yet far from the order of the ids.
  return unordered
    ? sequence
        .map((change, index) => ({ change, rank: ((index * 7919) % 104_729) % 97 }))
        .sort((a, b) => b.rank - a.rank)
        .map(({ change }) => change)
    : sequence;
}

function record({ id, type, message, labelIds }: Change): object {
  const { id: messageId, threadId } = message;
  const head = { id: String(id), messages: [{ id: messageId, threadId }] };
  if (type === 'messageAdded') return { ...head, messagesAdded: [{ message }] };
  if (type === 'messageDeleted') return { ...head, messagesDeleted: [{ message }] };
  const change = [{ message, labelIds }];
  return type === 'labelAdded' ? { ...head, labelsAdded: change } : { ...head, labelsRemoved: change };
}

const writePageToken = (token: PageToken): string => Buffer.from(JSON.stringify(token)).toString('base64url');

const badToken = (): ApiError => new ApiError(400, 'Invalid pageToken', { reason: 'invalidArgument' });

/** @throws ApiError 400 */
function readPageToken(token: string): PageToken {
  try {
    const { start, end, offset } = JSON.parse(
      Buffer.from(token, 'base64url').toString('utf8'),
    ) as Partial<PageToken>;
    if (start !== undefined && end !== undefined && offset !== undefined) return { start, end, offset };
  } catch {
    // Told below.
  }
  throw badToken();
}
