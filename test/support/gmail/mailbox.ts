// The messages and labels of one account. Invariant: each change stands in the history, and is told to the watch.
import { readHeaders, splitMail } from '../../../engine/mail/headers';
import { ApiError } from './http';
import { History, type HistoryType } from './history';

export interface StoredMessage {
  readonly id: string;
  readonly threadId: string;
  readonly labelIds: readonly string[];
  /** Of the last change. */
  readonly historyId: bigint;
  /** Ms since 1970. */
  readonly internalDate: number;
  readonly raw: Buffer;
  /** When it came, in ms since 1970: the search finds it some time later. */
  readonly addedAt: number;
}

export interface StoredLabel {
  readonly id: string;
  readonly name: string;
  readonly messageListVisibility?: 'show' | 'hide';
  readonly labelListVisibility?: 'labelShow' | 'labelHide';
  readonly type: 'system' | 'user';
}

export interface Placement {
  readonly labelIds: readonly string[];
  readonly internalDate?: number;
  readonly threadId?: string;
}

const SYSTEM = [
  'CHAT',
  'SENT',
  'INBOX',
  'IMPORTANT',
  'TRASH',
  'DRAFT',
  'SPAM',
  'CATEGORY_FORUMS',
  'CATEGORY_UPDATES',
  'CATEGORY_PERSONAL',
  'CATEGORY_PROMOTIONS',
  'CATEGORY_SOCIAL',
  'STARRED',
  'UNREAD',
  'SCHEDULED',
];

const HIDDEN = { messageListVisibility: 'hide', labelListVisibility: 'labelHide' } as const;
const SHOWN = { messageListVisibility: 'show', labelListVisibility: 'labelShow' } as const;

export class Mailbox {
  readonly messages = new Map<string, StoredMessage>();
  readonly labels = new Map<string, StoredLabel>();
  readonly history: History;
  readonly #changed: (labelIds: readonly string[]) => void;
  #lastId = 0x19a0_0000_0000_0000n + BigInt(Math.floor(Math.random() * 0xffff_ffff));
  #lastLabel = 0;

  /** @param changed told of each change, with the labels of the message it was about */
  constructor(startHistoryId: bigint, changed: (labelIds: readonly string[]) => void) {
    this.history = new History(startHistoryId);
    this.#changed = changed;
    for (const id of SYSTEM) {
      const shown = id.startsWith('CATEGORY_') ? HIDDEN : {};
      this.labels.set(id, { id, name: id, ...shown, type: 'system' });
    }
  }

  add(raw: Buffer, { labelIds, internalDate = Date.now(), threadId }: Placement): StoredMessage {
    this.#checkLabels(labelIds);
    this.#lastId += BigInt(1 + Math.floor(Math.random() * 0xffff));
    const id = this.#lastId.toString(16);
    const facts = { id, threadId: threadId ?? this.#thread(raw) ?? id, labelIds: [...new Set(labelIds)] };
    const historyId = this.#write('messageAdded', facts);
    const message = { ...facts, historyId, internalDate, raw, addedAt: Date.now() };
    this.messages.set(id, message);
    return message;
  }

  /** @returns null: there is none @throws ApiError 400: no such label */
  change(id: string, add: readonly string[], remove: readonly string[]): StoredMessage | null {
    this.#checkLabels([...add, ...remove]);
    const message = this.messages.get(id);
    if (!message) return null;
    const gone = message.labelIds.filter((label) => remove.includes(label));
    const come = [...new Set(add)].filter((label) => !message.labelIds.includes(label));
    const labelIds = [...message.labelIds.filter((label) => !gone.includes(label)), ...come];
    let { historyId } = message;
    if (come.length > 0) historyId = this.#write('labelAdded', { ...message, labelIds }, come);
    if (gone.length > 0) historyId = this.#write('labelRemoved', { ...message, labelIds }, gone);
    const changed = { ...message, labelIds, historyId };
    this.messages.set(id, changed);
    return changed;
  }

  /** For good. */
  remove(id: string): boolean {
    const message = this.messages.get(id);
    if (!message) return false;
    this.messages.delete(id);
    this.#write('messageDeleted', message);
    return true;
  }

  /** @throws ApiError 409: there is one */
  addLabel(name: string): StoredLabel {
    const isTaken = [...this.labels.values()].some((each) => each.name.toLowerCase() === name.toLowerCase());
    if (isTaken) throw new ApiError(409, 'Label name exists or conflicts');
    const label = { id: `Label_${++this.#lastLabel}`, name, ...SHOWN, type: 'user' } as const;
    this.labels.set(label.id, label);
    return label;
  }

  /** @returns false: there is no such label of the user's own */
  deleteLabel(id: string): boolean {
    if (this.labels.get(id)?.type !== 'user') return false;
    for (const message of this.messages.values()) this.change(message.id, [], [id]);
    return this.labels.delete(id);
  }

  #write(
    type: HistoryType,
    message: Pick<StoredMessage, 'id' | 'threadId' | 'labelIds'>,
    labels: readonly string[] = [],
  ): bigint {
    const id = this.history.write(type, message, labels);
    this.#changed([...message.labelIds, ...labels]);
    return id;
  }

  #checkLabels(labelIds: readonly string[]): void {
    const unknown = labelIds.find((id) => !this.labels.has(id));
    if (unknown !== undefined)
      throw new ApiError(400, `Invalid label: ${unknown}`, { reason: 'invalidArgument' });
  }

  /** The thread of the message that this one answers. */
  #thread(raw: Buffer): string | undefined {
    const headers = readHeaders(splitMail(raw).head);
    const answered = [...(headers.get('references') ?? []), ...(headers.get('in-reply-to') ?? [])].join(' ');
    if (answered === '') return undefined;
    for (const { raw: other, threadId } of this.messages.values()) {
      const id = readHeaders(splitMail(other).head).get('message-id')?.[0];
      if (id !== undefined && answered.includes(id)) return threadId;
    }
    return undefined;
  }
}
