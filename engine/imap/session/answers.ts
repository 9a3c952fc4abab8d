// What a server answers to a FETCH, put together.
// Invariant: an answer counts for the mail that was asked for, by its UID, in however many pieces and in whatever order
// it comes; what has no UID, or was not asked for, is a hint at most. A server may tell of any mail at any time, such as
// of a flag that was changed elsewhere (RFC 3501, 5.2 and 7).
import type { FetchMessageObject, MessageStructureObject } from 'imapflow';

/** What was told of a mail so far. Undefined: nothing was said of it. */
export interface Answer {
  readonly uid: number;
  readonly seq: number;
  /** RFC822.SIZE, octets; 0: the server does not know. */
  readonly size?: number;
  /** INTERNALDATE, ms since 1970; null: the server does not know. */
  readonly receivedAt?: number | null;
  readonly emailId?: string;
  /** The header fields that were asked for, or all of them. */
  readonly header?: Buffer;
  readonly content?: Buffer;
  readonly flags?: ReadonlySet<string>;
  readonly structure?: MessageStructureObject;
}

/** @returns undefined: it does not say of which mail it is */
export function answerOf(message: FetchMessageObject): Answer | undefined {
  // imapflow (2.1.2) hands out answers without a UID, though they have none that can be trusted.
  if (!message.uid) return undefined;
  const { uid, seq, size, emailId, headers, source, flags, bodyStructure } = message;
  return {
    uid,
    seq,
    ...(size !== undefined && { size }),
    ...('internalDate' in message && { receivedAt: timeOf(message.internalDate) }),
    ...(emailId && { emailId }),
    ...(headers && { header: headers }),
    ...(source && { content: source }),
    ...(flags && { flags }),
    ...(bodyStructure && { structure: bodyStructure }),
  };
}

/** Of NIL, imapflow (2.1.2) makes the first moment of 1970. No mail was received on that day, nor before. */
function timeOf(date: Date | string | undefined): number | null {
  const time = date ? new Date(date).getTime() : NaN;
  return Number.isNaN(time) || time < DAY_MS ? null : time;
}

const DAY_MS = 86_400_000;

export class Answers {
  readonly #isAsked: (uid: number) => boolean;
  readonly #byUid = new Map<number, Answer>();
  /** Answers that name a mail, asked for or not. */
  heard = 0;

  /** @param asked the UIDs, or what says of a UID whether it is one of them */
  constructor(asked: readonly number[] | ((uid: number) => boolean)) {
    const uids = typeof asked === 'function' ? undefined : new Set(asked);
    this.#isAsked = uids ? (uid) => uids.has(uid) : (asked as (uid: number) => boolean);
  }

  take(message: FetchMessageObject): void {
    const answer = answerOf(message);
    if (!answer) return;
    this.heard++;
    if (!this.#isAsked(answer.uid)) return;
    this.#byUid.set(answer.uid, together(this.#byUid.get(answer.uid), answer));
  }

  /** More of the same mails. */
  add(others: Answers): void {
    for (const answer of others.#byUid.values())
      this.#byUid.set(answer.uid, together(this.#byUid.get(answer.uid), answer));
  }

  get(uid: number): Answer | undefined {
    return this.#byUid.get(uid);
  }

  get size(): number {
    return this.#byUid.size;
  }

  /** In the order in which they came first. */
  get uids(): number[] {
    return [...this.#byUid.keys()];
  }
}

/** What the later piece says counts, but where it says less. */
function together(before: Answer | undefined, piece: Answer): Answer {
  if (!before) return piece;
  const { header, content, size, receivedAt } = before;
  return {
    ...before,
    ...piece,
    ...(header && { header: longer(header, piece.header) }),
    ...(content && { content: longer(content, piece.content) }),
    ...(size !== undefined && { size: piece.size || size }),
    ...(receivedAt !== undefined && { receivedAt: piece.receivedAt ?? receivedAt }),
  };
}

const longer = (before: Buffer, piece: Buffer | undefined): Buffer =>
  piece && piece.length >= before.length ? piece : before;
