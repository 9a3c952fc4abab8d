// A mail as it came: its octets, as a file to be kept and never one to be shown.
// Invariants: no more of it than a piece is in memory, however large it is and however slowly it is read; it is whole, or the
// connection breaks: who has its end has all of it. A browser runs nothing of it.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { eventIdOf } from '../ledger/askable';
import { type ContentPiece, rawMailIn, StoredPieces } from '../ledger/content';
import type { EventRecord } from '../ledger/inspection';
import { isoTime } from '../runtime/iso-time';
import { begin } from './answer';
import type { ConsoleContext } from './context';
import { Refusal } from './refusal';

type Context = Pick<ConsoleContext, 'ledger' | 'showMail'>;

const OF_CONTENT = /^\/api\/mails\/([^/]+)\/content$/;

/** Who takes nothing for so long is gone: each piece that waits for it is memory. */
const TAKES_WITHIN_MS = 120_000;

/** @returns the mail that it is the address of; undefined: it is none */
export const contentAt = (path: string): string | undefined => OF_CONTENT.exec(path)?.[1];

/** @throws Refusal, LedgerFault: nothing was written */
export async function answerContent(
  given: string,
  { method }: IncomingMessage,
  res: ServerResponse,
  { ledger, showMail }: Context,
): Promise<void> {
  if (!showMail) {
    throw new Refusal(
      403,
      'This console shows nothing of mails (DURABLE_MAIL_CONSOLE_SHOW_MAIL), so it hands none out, either.',
    );
  }
  const id = eventIdOf(given);
  const mail = id === null ? null : await ledger.event(id);
  if (!mail) throw new Refusal(404, 'This mail is not in the ledger. Perhaps it was kept long enough.');
  const first = mail.hasContent ? await ledger.contentPiece(mail.id, 0) : null;
  if (!first) throw letGo(mail);
  const load = async (place: number): Promise<Buffer> =>
    (place === 0 ? first : await later(ledger, mail, place)).gzip;
  const octets = new StoredPieces(first.pieces, load).octets();
  try {
    const stored = await octets.next();
    const start = stored.done ? Buffer.alloc(0) : rawMailIn(stored.value);
    begin(res, {
      'Content-Type': 'message/rfc822',
      'Content-Disposition': `attachment; filename="${mail.id}.eml"`,
      ...(first.pieces === 1 && { 'Content-Length': String(start.length) }),
    });
    if (method === 'HEAD') res.end();
    else await send(res, octets, start);
  } finally {
    await octets.return(undefined);
  }
}

/** Whatever breaks after the first octet breaks the connection. */
async function send(res: ServerResponse, octets: AsyncGenerator<Buffer>, start: Buffer): Promise<void> {
  try {
    await written(res, start);
    for await (const octet of octets) await written(res, octet);
    res.end();
  } catch (error) {
    res.destroy();
    if (!(error instanceof Gone)) throw error;
  }
}

class Gone extends Error {}

/** Until the system has it: its memory is taken back when the next piece is asked for. */
function written(res: ServerResponse, octets: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => res.destroy(), TAKES_WITHIN_MS);
    const gone = (): void => {
      clearTimeout(late);
      reject(new Gone());
    };
    // Not before: until its connection is closed the system may still read it.
    res.once('close', gone);
    res.write(octets, (error) => {
      res.off('close', gone);
      clearTimeout(late);
      if (error) gone();
      else resolve();
    });
  });
}

async function later(ledger: Context['ledger'], mail: EventRecord, place: number): Promise<ContentPiece> {
  const piece = await ledger.contentPiece(mail.id, place);
  if (piece) return piece;
  throw new Error(`The content of mail ${mail.id} was let go while it was handed out`);
}

function letGo({ state, settledAt }: EventRecord): Refusal {
  if (state === 'GONE')
    return new Refusal(
      410,
      'The content of this mail is not here: it was deleted on its server before it could be read.',
    );
  const isOver = state === 'DONE' && settledAt !== null;
  return new Refusal(
    410,
    isOver
      ? `The content of this mail was let go after its run had succeeded, at ${isoTime(settledAt)}. The trigger's option ` +
          '"Keep Content For" (a collector: "keepContentDays") keeps it longer. "Replay" reads the mail from its server again.'
      : 'The content of this mail is not in the ledger: it is larger than the trigger\'s option "Store Mails Up To", or ' +
          'was forgotten by hand. Its run reads it from its server, if it is there.',
  );
}
