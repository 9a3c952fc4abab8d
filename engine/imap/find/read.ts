// Reads one mail of the open mailbox whole, or only its header where it is too large.
// Invariant: what is read of a mail is bounded, also where the server does not know its size.
import { MOST_READ_BYTES } from '../session/connecting';
import { NO_NEEDS } from '../session/facts';
import { isRefusal, wordsOf } from '../session/fault';
import { type HandedOut, whole, WithheldMail } from '../session/handed-out';
import type { ImapSession } from '../session/session';

export interface MailAgain {
  /** The raw message; only its headers where `truncated`. */
  readonly raw: Buffer;
  readonly truncated: boolean;
  /** Octets, as the server says now; 0: it does not. */
  readonly size: number;
}

/**
 * @param size octets, as it was told before; 0: unknown
 * @param mostBytes above this it is too large; no mail above 250 MB is ever read whole
 * @returns null: it was deleted
 * @throws ImapFault: it could not be asked; WithheldMail: the server does not hand it out
 */
export async function readMail(
  session: ImapSession,
  uid: number,
  size: number,
  mostBytes = MOST_READ_BYTES,
): Promise<MailAgain | null> {
  const { mails } = session;
  const one = <T>(handedOut: HandedOut<T>): T | undefined => {
    const { fault } = handedOut;
    if (fault && isRefusal(fault)) throw new WithheldMail(session.place, [uid], wordsOf(fault));
    return whole(handedOut, session.place).get(uid);
  };
  const most = Math.min(mostBytes, MOST_READ_BYTES);
  const told = size || ((await mails.facts([uid], NO_NEEDS)).answers.get(uid)?.size ?? 0);
  const truncated = told > 0 ? told > most : one(await mails.largerThan([uid], most)) === true;
  const raw = one(truncated ? await mails.headers([uid]) : await mails.contents([{ uid, size: told }]));
  return raw ? { raw, truncated, size: told } : null;
}
