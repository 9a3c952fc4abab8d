// What a server hands out of the mails that it was asked for.
// Invariant: a mail is missing from it only if the server says that it is not there any more.
import { ImapFault } from './fault';

export interface HandedOut<T> {
  readonly answers: ReadonlyMap<number, T>;
  /** The mails that are there, and were not handed out, or not whole; ascending. */
  readonly withheld: readonly number[];
  /** The command failed in the middle: nothing is known of the mails that are in neither. */
  readonly fault: ImapFault | null;
}

/** So many are told by their UIDs. */
const MOST_NAMED = 20;

/** The server lists mails and does not hand them out. */
export class WithheldMail extends ImapFault {
  /**
   * @param place the mailbox, for people
   * @param said the server's words, where it had any
   */
  constructor(place: string, uids: readonly number[], said = '') {
    const named = uids.slice(0, MOST_NAMED).join(', ');
    const more = uids.length > MOST_NAMED ? ` and ${uids.length - MOST_NAMED} more` : '';
    const mails = `${uids.length === 1 ? 'mail with UID' : 'mails with the UIDs'} ${named}${more}`;
    const them = uids.length === 1 ? 'it' : 'them';
    super(
      'other',
      `The mail server lists the ${mails} in ${place}, and does not hand ${them} out${said && ` (${said})`}.`,
    );
  }
}

/** All of it. @param place the mailbox, for people @throws ImapFault if anything is held back */
export function whole<T>(handedOut: HandedOut<T>, place: string): ReadonlyMap<number, T> {
  const { answers, withheld, fault } = handedOut;
  if (fault) throw fault;
  if (withheld.length > 0) throw new WithheldMail(place, withheld);
  return answers;
}
