// What happens in an account without the API: mail comes, people and filters move it. For tests, in process.
import { randomUUID } from 'node:crypto';
import type { Behaviour } from './call';
import type { Fault, FaultSpec } from './faults';
import type { Mailbox, StoredLabel, StoredMessage } from './mailbox';
import type { Service } from './service';

export interface MailDraft {
  readonly from?: string;
  readonly to?: string;
  readonly subject?: string;
  readonly text?: string;
  readonly messageId?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly attachment?: { readonly name: string; readonly content: Buffer };
}

export interface Delivery {
  /** Ids; INBOX and UNREAD by default. */
  readonly labels?: readonly string[];
  /** Ms since 1970; now by default. */
  readonly internalDate?: number;
  readonly threadId?: string;
}

export class FakeAccount {
  readonly address: string;
  readonly #mailbox: Mailbox;
  readonly #service: Service;

  constructor(address: string, service: Service) {
    this.address = address;
    this.#service = service;
    this.#mailbox = service.mailbox(address);
  }

  /** What differs from the fake's own `behaviour` for this account. */
  get behaviour(): Partial<Behaviour> {
    return this.#service.behaviourOf(this.address);
  }

  /** Switches a fault on for this account. */
  fail(method: string, spec: FaultSpec): Fault {
    return this.#service.addFault(method, { ...spec, account: this.address });
  }

  /** Units of all calls of the account since then (ms since 1970). */
  spent(since = 0): number {
    return this.#service.quota.spent(since, this.address);
  }

  /** No access token of the account is good any more. */
  expireTokens(): void {
    this.#service.oauth.expire(this.address);
  }

  get historyId(): string {
    return String(this.#mailbox.history.last);
  }

  /** A mail comes. @returns its id */
  deliver(mail: string | Buffer | (MailDraft & Delivery) = {}, delivery: Delivery = {}): string {
    const isRaw = typeof mail === 'string' || Buffer.isBuffer(mail);
    const { labels = ['UNREAD', 'INBOX'], internalDate, threadId } = { ...(isRaw ? {} : mail), ...delivery };
    const raw = isRaw ? Buffer.from(mail) : Buffer.from(written(mail, this.address, internalDate));
    const message = this.#mailbox.add(raw, {
      labelIds: labels,
      ...(internalDate !== undefined && { internalDate }),
      ...(threadId !== undefined && { threadId }),
    });
    // An import adds the message and then, in records of their own, its labels.
    if (this.behaviour.repeated ?? this.#service.behaviour.repeated) {
      this.#mailbox.history.write('labelAdded', message, labels);
      this.#mailbox.history.write('messageAdded', message);
    }
    return message.id;
  }

  /** A draft is saved; saving it again (`replaces`) makes a new message of it. @returns its id */
  draft(mail: MailDraft = {}, replaces?: string): string {
    if (replaces !== undefined) this.#mailbox.remove(replaces);
    return this.deliver(mail, { labels: ['DRAFT'] });
  }

  /** The user sends a mail. */
  send(mail: MailDraft = {}): string {
    return this.deliver({ from: this.address, to: 'bob@example.com', ...mail }, { labels: ['SENT'] });
  }

  /** The user writes a mail that is to go later. */
  schedule(mail: MailDraft = {}): string {
    return this.deliver({ from: this.address, to: 'bob@example.com', ...mail }, { labels: ['SCHEDULED'] });
  }

  /** The time of a scheduled mail has come. */
  sendScheduled(id: string): void {
    this.#mailbox.change(id, ['SENT'], ['SCHEDULED']);
  }

  star(id: string): void {
    this.addLabels(id, 'STARRED');
  }

  addLabels(id: string, ...labelIds: readonly string[]): void {
    this.#mailbox.change(id, labelIds, []);
  }

  removeLabels(id: string, ...labelIds: readonly string[]): void {
    this.#mailbox.change(id, [], labelIds);
  }

  deleteForever(id: string): void {
    this.#mailbox.remove(id);
  }

  /** A label of the user's own. @returns its id */
  label(name: string): string {
    return this.#mailbox.addLabel(name).id;
  }

  /** No mail has it any more, and `labels.list` does not name it. */
  deleteLabel(id: string): void {
    this.#mailbox.deleteLabel(id);
  }

  labels(): readonly StoredLabel[] {
    return [...this.#mailbox.labels.values()];
  }

  /** The history does not reach back before now any more. */
  expireHistory(): void {
    this.#mailbox.history.expire();
  }

  messages(): readonly StoredMessage[] {
    return [...this.#mailbox.messages.values()];
  }

  message(id: string): StoredMessage | null {
    return this.#mailbox.messages.get(id) ?? null;
  }

  labelsOf(id: string): readonly string[] {
    return this.message(id)?.labelIds ?? [];
  }
}

function written(mail: MailDraft, address: string, internalDate = Date.now()): string {
  const head = [
    `From: ${mail.from ?? 'Ann Sender <ann@example.com>'}`,
    `To: ${mail.to ?? address}`,
    `Subject: ${mail.subject ?? 'Hello'}`,
    `Message-ID: ${mail.messageId ?? `<${randomUUID()}@example.com>`}`,
    `Date: ${new Date(internalDate).toUTCString()}`,
    ...Object.entries(mail.headers ?? {}).map(([name, value]) => `${name}: ${value}`),
    'MIME-Version: 1.0',
  ];
  const text = ['Content-Type: text/plain; charset=utf-8', '', mail.text ?? 'Hello', ''];
  if (!mail.attachment) return [...head, ...text].join('\r\n');
  const { name, content } = mail.attachment;
  const boundary = 'boundary-of-the-fake';
  return [
    ...head,
    `Content-Type: multipart/mixed; boundary="${boundary}"`,
    '',
    `--${boundary}`,
    ...text,
    `--${boundary}`,
    `Content-Type: application/octet-stream; name="${name}"`,
    `Content-Disposition: attachment; filename="${name}"`,
    'Content-Transfer-Encoding: base64',
    '',
    content.toString('base64').replace(/(.{76})/g, '$1\r\n'),
    `--${boundary}--`,
    '',
  ].join('\r\n');
}
