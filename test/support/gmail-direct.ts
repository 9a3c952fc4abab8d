// The Gmail API without HTTP: the fake's mailbox behind the port, with faults at any call.
import type { GmailApi } from '../../engine/gmail/api/api';
import { GmailFault, type GmailFaultKind } from '../../engine/gmail/api/fault';
import type {
  GmailLabel,
  GmailProfile,
  HistoryPage,
  MessagePage,
  MessageQuery,
  RawMessage,
} from '../../engine/gmail/api/types';
import type { HistoryHabits } from './gmail/history';
import { ApiError } from './gmail/http';
import { listMessages } from './gmail/listing';
import { Mailbox } from './gmail/mailbox';
import { rawMail } from './mails';

export const ADDRESS = 'ann@gmail.com';
/** What Number cannot hold. */
const FIRST_HISTORY_ID = 2n ** 60n + 1n;

export type Call = 'profile' | 'history' | 'messages' | 'message' | 'labels';

const UNITS: Record<Call, number> = { profile: 1, history: 2, messages: 5, message: 20, labels: 1 };

export const fault = (kind: GmailFaultKind, options?: { readonly isOfQuota: boolean }): GmailFault =>
  new GmailFault(kind, `The test says: ${kind}.`, options);

/** The fake's mailbox without HTTP. */
export class DirectGmail implements GmailApi {
  readonly mailbox = new Mailbox(FIRST_HISTORY_ID, () => undefined);
  readonly habits: HistoryHabits = { unordered: false, repeated: false, pageLimit: 500 };
  address = ADDRESS;
  searchLagMs = 0;
  calls: { readonly call: Call; readonly about: string }[] = [];
  /** Called before each; what it throws is what the API throws. */
  before: (call: Call, about: string) => void | Promise<void> = () => undefined;

  /** The next matching one fails; others pass. */
  failOnce(call: Call, kind: GmailFaultKind, afterMatching = 0): void {
    let matching = 0;
    this.before = (one) => {
      if (one === call && matching++ === afterMatching) throw fault(kind);
    };
  }

  /** The newest history id. */
  get historyId(): string {
    return String(this.mailbox.history.last);
  }

  get units(): number {
    return this.calls.reduce((sum, { call }) => sum + UNITS[call], 0);
  }

  /** Ids of messages that were read, in order. */
  get reads(): string[] {
    return this.calls.flatMap(({ call, about }) => (call === 'message' ? [about] : []));
  }

  deliver({
    labels = ['INBOX', 'UNREAD'],
    subject = 'Hello',
    internalDate,
  }: {
    readonly labels?: readonly string[];
    readonly subject?: string;
    readonly internalDate?: number;
  } = {}): string {
    return this.mailbox.add(Buffer.from(rawMail({ subject })), {
      labelIds: labels,
      ...(internalDate !== undefined && { internalDate }),
    }).id;
  }

  deliverMany(count: number): string[] {
    return Array.from({ length: count }, () => this.deliver());
  }

  async profile(): Promise<GmailProfile> {
    await this.#call('profile', '');
    return { emailAddress: this.address, historyId: this.historyId };
  }

  async history(startHistoryId: string, pageToken?: string): Promise<HistoryPage> {
    await this.#call('history', startHistoryId);
    const query = {
      ...{ startHistoryId, pageToken: pageToken ?? null, labelId: null, maxResults: 500 },
      types: ['messageAdded', 'labelAdded'],
    };
    return this.#answer(() => this.mailbox.history.page(query, this.habits), 'expired') as HistoryPage;
  }

  async messages({
    q,
    labelIds,
    includeSpamTrash,
    maxResults,
    pageToken,
  }: MessageQuery): Promise<MessagePage> {
    await this.#call('messages', `${labelIds?.join(' ') ?? ''} ${q ?? ''}`);
    const query = new URLSearchParams({ q: q ?? '', includeSpamTrash: String(includeSpamTrash ?? false) });
    for (const id of labelIds ?? []) query.append('labelIds', id);
    if (pageToken !== undefined) query.set('pageToken', pageToken);
    return this.#answer(() => listMessages(this.mailbox, query, maxResults, this.searchLagMs));
  }

  async message(id: string): Promise<RawMessage | null> {
    await this.#call('message', id);
    const stored = this.mailbox.messages.get(id);
    if (!stored) return null;
    const { threadId, labelIds, historyId, internalDate, raw } = stored;
    const told = { id, threadId, labelIds, internalDate, raw, snippet: 'Hello', sizeEstimate: raw.length };
    return { ...told, historyId: String(historyId) };
  }

  async labels(): Promise<readonly GmailLabel[]> {
    await this.#call('labels', '');
    return [...this.mailbox.labels.values()];
  }

  modify = this.#never;
  modifyAll = this.#never;
  trash = this.#never;
  watch = this.#never;
  stop = this.#never;

  #never(): never {
    throw new Error('Reading changes nothing.');
  }

  async #call(call: Call, about: string): Promise<void> {
    this.calls.push({ call, about });
    // Others have their turn, as over a network.
    await new Promise(setImmediate);
    await this.before(call, about);
  }

  #answer(work: () => object, missing: GmailFaultKind = 'refused'): object {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      throw new GmailFault(error.status === 404 ? missing : 'refused', error.message);
    }
  }
}
