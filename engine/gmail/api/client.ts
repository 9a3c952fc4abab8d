// Gmail's API over HTTP, as far as the collector uses it: https://developers.google.com/gmail/api/reference/rest.
// Invariant: an answer that does not come from the API is never taken for "there is nothing", or "it is not there".
import type { Priority, QuotaBucket, QuotaTimes } from '../../http/quota';
import type { GmailApi } from './api';
import {
  Malformed,
  fieldsOf,
  readHistory,
  readLabels,
  readMessage,
  readMessages,
  readProfile,
  readWatch,
  Undecodable,
} from './answers';
import { GmailFault } from './fault';
import type { GmailLogin } from './login';
import { COSTS, quotaOf } from './quota';
import { Requests } from './requests';
import type {
  GmailLabel,
  GmailProfile,
  HistoryPage,
  LabelChange,
  MessagePage,
  MessageQuery,
  RawMessage,
  WatchAnswer,
} from './types';

/** A large mail takes its time: 35 MB of it as base64. */
const MESSAGE_TIMEOUT_MS = 120_000;
const TIMEOUT_MS = 30_000;
/** users.stop, in both tables. */
const STOP_UNITS = 50;
/** The most that history.list and batchModify take at once. */
const HISTORY_PAGE = 500;
const MOST_MODIFIED = 1000;

export interface GmailClientOptions {
  /** Ends all that is under way; calls then reject with its reason. */
  readonly signal: AbortSignal;
  /** Without it, the one that all clients of the account in this process share. */
  readonly quota?: QuotaBucket;
  /** How long an answer may take, ms; reading a message may take four times as long. */
  readonly timeoutMs?: number;
  readonly times?: QuotaTimes;
}

export class GmailClient implements GmailApi {
  readonly #address: string;
  readonly #costs: (typeof COSTS)[keyof typeof COSTS];
  readonly #requests: Requests;
  readonly #timeoutMs: number;
  readonly #messageTimeoutMs: number;

  constructor(login: GmailLogin, options: GmailClientOptions) {
    const quota =
      options.quota ?? quotaOf(login.endpoints.gmail, login.address, login.quota, login.credential?.id);
    this.#address = login.address;
    this.#costs = COSTS[login.quota];
    this.#requests = new Requests(login, quota, options.signal, options.times);
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
    this.#messageTimeoutMs = options.timeoutMs === undefined ? MESSAGE_TIMEOUT_MS : options.timeoutMs * 4;
  }

  async profile(): Promise<GmailProfile> {
    return this.#get('reading the profile', 'profile', this.#costs.profile, readProfile);
  }

  async history(startHistoryId: string, pageToken?: string): Promise<HistoryPage> {
    const query = new URLSearchParams({ startHistoryId, maxResults: String(HISTORY_PAGE) });
    for (const type of ['messageAdded', 'labelAdded']) query.append('historyTypes', type);
    if (pageToken !== undefined) query.set('pageToken', pageToken);
    return this.#requests.ask({
      doing: 'reading the history',
      method: 'GET',
      path: 'history',
      query,
      units: this.#costs.history,
      priority: 'new',
      timeoutMs: this.#timeoutMs,
      read: readHistory,
      missing: () => {
        throw new GmailFault(
          'expired',
          `Gmail's history of ${this.#address} does not reach back to where it was read last.`,
        );
      },
    });
  }

  async messages(query: MessageQuery, priority: Priority): Promise<MessagePage> {
    const search = new URLSearchParams({ maxResults: String(query.maxResults) });
    if (query.q !== undefined) search.set('q', query.q);
    for (const id of query.labelIds ?? []) search.append('labelIds', id);
    if (query.includeSpamTrash !== undefined) search.set('includeSpamTrash', String(query.includeSpamTrash));
    if (query.pageToken !== undefined) search.set('pageToken', query.pageToken);
    return this.#requests.ask({
      doing: 'listing messages',
      method: 'GET',
      path: 'messages',
      query: search,
      units: this.#costs.list,
      priority,
      timeoutMs: this.#timeoutMs,
      read: readMessages,
    });
  }

  /** A large mail is held whole, twice over while it is decoded: whoever reads many limits how many at once. */
  async message(id: string, priority: Priority): Promise<RawMessage | null> {
    try {
      return await this.#requests.ask<RawMessage | null>({
        doing: 'reading a message',
        method: 'GET',
        path: `messages/${encodeURIComponent(id)}`,
        query: new URLSearchParams({ format: 'raw' }),
        units: this.#costs.get,
        priority,
        timeoutMs: this.#messageTimeoutMs,
        read: (json) => readMessage(json, id),
        missing: () => null,
      });
    } catch (error) {
      if (!(error instanceof Undecodable)) throw error;
      throw new GmailFault(
        'refused',
        `Gmail does not hand out the message ${id} of ${this.#address}: ${error.message}. Look at it in Gmail.`,
      );
    }
  }

  async labels(): Promise<readonly GmailLabel[]> {
    return this.#get('listing labels', 'labels', this.#costs.labels, readLabels);
  }

  async modify(id: string, change: LabelChange): Promise<boolean> {
    return this.#change(
      'changing labels',
      `messages/${encodeURIComponent(id)}/modify`,
      id,
      this.#costs.modify,
      {
        addLabelIds: change.add,
        removeLabelIds: change.remove,
      },
    );
  }

  async modifyAll(ids: readonly string[], change: LabelChange): Promise<void> {
    if (ids.length === 0) return;
    if (ids.length > MOST_MODIFIED) throw new RangeError(`Not more than ${MOST_MODIFIED} messages at once`);
    await this.#requests.ask({
      doing: 'changing labels',
      method: 'POST',
      path: 'messages/batchModify',
      body: { ids, addLabelIds: change.add, removeLabelIds: change.remove },
      units: this.#costs.batchModify,
      priority: 'action',
      timeoutMs: this.#timeoutMs,
      // It answers with nothing at all.
      read: (json) => {
        if (json !== undefined) fieldsOf(json, 'the answer');
      },
    });
  }

  async trash(id: string): Promise<boolean> {
    return this.#change('moving to trash', `messages/${encodeURIComponent(id)}/trash`, id, this.#costs.trash);
  }

  async watch(topic: string): Promise<WatchAnswer> {
    return this.#requests.ask({
      doing: 'asking for notifications',
      method: 'POST',
      path: 'watch',
      body: { topicName: topic },
      units: this.#costs.watch,
      priority: 'action',
      timeoutMs: this.#timeoutMs,
      read: readWatch,
    });
  }

  async stop(): Promise<void> {
    await this.#requests.ask({
      doing: 'ending notifications',
      method: 'POST',
      path: 'stop',
      units: STOP_UNITS,
      priority: 'action',
      timeoutMs: this.#timeoutMs,
      read: (json) => {
        if (json !== undefined) fieldsOf(json, 'the answer');
      },
    });
  }

  #get<T>(doing: string, path: string, units: number, read: (json: unknown) => T): Promise<T> {
    return this.#requests.ask({
      doing,
      method: 'GET',
      path,
      units,
      priority: 'new',
      timeoutMs: this.#timeoutMs,
      read,
    });
  }

  #change(doing: string, path: string, id: string, units: number, body?: object): Promise<boolean> {
    return this.#requests.ask({
      doing,
      method: 'POST',
      path,
      ...(body && { body }),
      units,
      priority: 'action',
      timeoutMs: this.#timeoutMs,
      read: (json) => {
        if (fieldsOf(json, 'the answer')['id'] !== id) throw new Malformed('it is another message');
        return true;
      },
      missing: (said) => {
        // A label that was deleted is no reason to take the mail for deleted.
        if (!/label/i.test(said)) return false;
        throw new GmailFault('refused', `Gmail refused ${doing} in ${this.#address}: "${said}".`);
      },
    });
  }
}
