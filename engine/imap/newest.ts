// Reads the newest mail of a mailbox over a connection of its own, for somebody who is looking.
import type { ImapLogin } from './login';
import { ImapSession, type MailFacts } from './session';

export interface NewestMail {
  readonly facts: MailFacts;
  readonly uidValidity: string;
  /** The raw message; only its headers where `truncated`. */
  readonly content: Buffer;
  readonly truncated: boolean;
}

/** @returns null for an empty mailbox @throws ImapFault */
export async function readNewest(
  login: ImapLogin,
  mailbox: string,
  signal: AbortSignal,
): Promise<NewestMail | null> {
  const session = await ImapSession.connect(login, signal);
  try {
    const { uidValidity } = await session.open(mailbox);
    const uid = await session.newestUid();
    const [facts] = uid > 0 ? await session.facts([uid]) : [];
    if (!facts) return null;
    const mail = await session.mail(uid, facts.size);
    return mail && { facts, uidValidity, content: mail.raw, truncated: mail.truncated };
  } finally {
    await session.end();
  }
}
