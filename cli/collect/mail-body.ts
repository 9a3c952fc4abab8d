// What a program is told of a mail: its identities, what people look for it by, where it is, and its content or where that is.
// Invariants: the same mail gives the same body each time, for its key is the same; a mail whose content is not there is told
// all the same, and says so.
import { type ContentPiece, rawMailIn, unpackContent } from '../../engine/ledger/content';
import type { Claim } from '../../engine/ledger/pointer';
import { headerBlock } from '../../engine/mail/headers';
import { decodeHeaders } from '../../engine/mail/words';
import type { Webhook } from '../config/webhook';

const MOST_FIELD = 2_000;

export interface MailContents {
  /** As the ledger's. */
  contentPiece(event: string, place: number): Promise<ContentPiece | null>;
}

/** - `url`: there it is fetched; - `base64`: the raw mail; - `omitted`: why there is neither. */
type Content =
  | { readonly url: string }
  | { readonly base64: string }
  | { readonly omitted: 'notWanted' | 'tooLarge' | 'notStored' };

export interface MailTold {
  readonly type: 'email.received';
  readonly timestamp: string;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface TellingMail {
  readonly job: string;
  readonly content: Webhook['content'];
  /** Under which a mail's content is fetched. Undefined: it is not. */
  readonly publicUrl: string | undefined;
}

/** As much of it as is known. */
export type TellableMail = Pick<
  Claim,
  | ('event' | 'idempotencyKey' | 'account' | 'mailbox' | 'uid' | 'messageId')
  | ('sender' | 'subject' | 'receivedAt' | 'size' | 'content')
> &
  Partial<Pick<Claim, 'uidValidity' | 'identity'>>;

/** @throws LedgerFault */
export async function mailTold(
  claim: TellableMail,
  telling: TellingMail,
  ledger: MailContents,
): Promise<MailTold> {
  const first = claim.content === null ? await ledger.contentPiece(claim.event, 0) : null;
  // Of a mail in several pieces the first one has the header, and is not all of it.
  const stored = claim.content ?? first?.gzip;
  const raw = stored ? rawMailIn(await unpackContent(stored)) : null;
  const fields = await fieldsOf(raw);
  const isWhole = raw !== null && (first?.pieces ?? 1) === 1;
  return {
    type: 'email.received',
    timestamp: new Date(claim.receivedAt ?? Date.now()).toISOString(),
    data: {
      id: claim.idempotencyKey,
      ...{ event: claim.event, job: telling.job, account: claim.account, mailbox: claim.mailbox },
      ...{
        uid: claim.uid,
        uidValidity: claim.uidValidity,
        identity: claim.identity,
        messageId: claim.messageId,
      },
      sender: claim.sender,
      ...{ from: fields('from'), to: fields('to'), cc: fields('cc') },
      subject: fields('subject') ?? claim.subject,
      date: fields('date'),
      receivedAt: claim.receivedAt === null ? null : new Date(claim.receivedAt).toISOString(),
      size: claim.size,
      content: contentOf(claim.event, telling, raw, isWhole),
    },
  };
}

function contentOf(
  event: string,
  { content, publicUrl }: TellingMail,
  raw: Buffer | null,
  isWhole: boolean,
): Content {
  if (content === 'none') return { omitted: 'notWanted' };
  if (raw === null) return { omitted: 'notStored' };
  if (content !== 'reference' && isWhole && raw.length <= content.inlineUpToBytes)
    return { base64: raw.toString('base64') };
  if (publicUrl === undefined) return { omitted: 'tooLarge' };
  return { url: `${publicUrl.replace(/\/+$/, '')}/api/mails/${encodeURIComponent(event)}/content` };
}

async function fieldsOf(raw: Buffer | null): Promise<(name: string) => string | null> {
  if (raw === null) return () => null;
  const headers = await decodeHeaders(headerBlock(raw));
  return (name) => headers.get(name)?.[0]?.slice(0, MOST_FIELD) ?? null;
}
