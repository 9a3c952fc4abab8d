// Asks a server for mails of which it may not hand out each: where it refuses some together, for fewer, down to the one;
// where the connection broke under many, for fewer next time.
// Invariant: a mail counts as refused only by what was asked of it alone, and only of a server that hands out others.
import { forLess, ImapFault, isRefusal, wordsOf } from '../session/fault';
import type { HandedOut } from '../session/handed-out';
import type { SyncJob } from './job';

export interface Got<T> {
  readonly answers: Map<number, T>;
  /** Mails that are there, and were refused just now. */
  readonly refused: Set<number>;
  /** The server is failing, not its mails: nothing more can be asked. What is in `answers` is whole. */
  readonly broken: ImapFault | null;
}

/** @param mails ascending by UID */
export async function askFor<Mail extends { readonly uid: number }, T>(
  job: Pick<SyncJob, 'session' | 'withheld' | 'portion' | 'signal'>,
  mails: readonly Mail[],
  ask: (mails: readonly Mail[]) => Promise<HandedOut<T>>,
): Promise<Got<T>> {
  const { session, withheld, portion } = job;
  const answers = new Map<number, T>();
  const refused = new Set<number>();
  const got = (broken: ImapFault | null = null): Got<T> => ({ answers, refused, broken });
  let others: 'yes' | 'none' | undefined;
  const refuse = (uids: readonly number[], said: string): void => {
    for (const uid of uids) {
      refused.add(uid);
      withheld.refused(uid, said, others === 'yes');
    }
  };
  const parts = inParts(mails, portion.most);
  for (let part = parts.shift(); part; part = parts.shift()) {
    const { answers: some, withheld: kept, fault } = await ask(part);
    for (const [uid, answer] of some) if (!kept.includes(uid)) answers.set(uid, answer);
    const left = fault ? part.filter(({ uid }) => !some.has(uid) && !kept.includes(uid)) : [];
    const isRefused = fault !== null && isRefusal(fault);
    if (fault && !isRefused) return got(broken(job, part.length, left, fault));
    if (kept.length === 0 && left.length === 0) {
      portion.wentWell();
      continue;
    }
    if (answers.size > 0) others = 'yes';
    if (!others) {
      const known = new Set([...mails.map(({ uid }) => uid), ...withheld.known]);
      const found = await session.mails.handsOutOthers(known);
      if (found instanceof ImapFault) return got(found);
      others = found;
    }
    refuse(kept, '');
    if (left.length === 1 && isRefused) refuse([left[0]!.uid], wordsOf(fault));
    else parts.unshift(...inParts(left, Math.ceil(left.length / 2)));
  }
  return got();
}

/** The connection broke under a command, or the server fell silent. */
function broken(
  { withheld, portion, signal }: Pick<SyncJob, 'withheld' | 'portion' | 'signal'>,
  asked: number,
  left: readonly { readonly uid: number }[],
  fault: ImapFault,
): ImapFault {
  const first = left[0];
  if (signal.aborted || !first || fault.kind !== 'connection') return fault;
  if (asked === 1) {
    withheld.refused(first.uid, 'the connection broke while it was being read');
    return fault;
  }
  // Servers send mails in their order, nearly always: this was being read.
  withheld.suspect(first.uid);
  portion.broke(asked);
  return forLess(fault);
}

function inParts<Mail>(mails: readonly Mail[], most: number): Mail[][] {
  const parts: Mail[][] = [];
  for (let at = 0; at < mails.length; at += most)
    parts.push(mails.slice(at, Math.min(mails.length, at + most)));
  return parts;
}
