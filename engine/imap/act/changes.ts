// Changes mails of a mailbox on their server: together what is to be done with several, and no copy twice.
// Invariant: no mail is deleted before its copy is where it is to be, and none that others have marked.
import { groupedBySize } from '../../runtime/groups';
import { ImapFault } from '../session/fault';
import { findAlike, isUnlike } from '../find/find';
import { type ImapDueErrand, rankOf } from './action';
import { flagOf } from './obstacles';
import { WithheldMail } from '../session/handed-out';
import type { ImapSession } from '../session/session';

/** A server that copies mails says nothing meanwhile: so much is given to it at once. */
const MOST_BYTES = 64 * 1024 * 1024;

/** Something to be done with a mail that was found. */
export interface Task {
  readonly due: ImapDueErrand;
  readonly uid: number;
  /** A copy of it is where it is to be. */
  copied: boolean;
}

/** What is done in one command, in the order in which it is done. */
export function groupsOf(tasks: readonly Task[]): Task[][] {
  const byAction = new Map<string, Task[]>();
  for (const task of tasks) {
    const key = JSON.stringify(task.due.action);
    byAction.set(key, [...(byAction.get(key) ?? []), task]);
  }
  const groups = [...byAction.values()].flatMap((alike) =>
    groupedBySize(alike, ({ due }) => due.size, MOST_BYTES),
  );
  const rank = (group: Task[]): number => rankOf(group[0]!.due.action);
  return groups.sort((a, b) => rank(a) - rank(b));
}

/**
 * Those that were begun before, and whose copy is in the other mailbox. It leaves any mailbox open. Where another mail
 * could be taken for the copy, what is to be moved is copied again: the mail itself goes then.
 */
export async function findCopied(
  session: ImapSession,
  mailbox: string,
  taken: readonly ImapDueErrand[],
): Promise<Set<ImapDueErrand>> {
  const copied = new Set<ImapDueErrand>();
  const begun = taken.filter(
    (due) =>
      due.tries > 0 &&
      (due.action.kind === 'copy' || (due.action.kind === 'move' && !session.edits.canMove && isUnlike(due))),
  );
  for (const target of new Set(begun.map(targetOf))) {
    if (target === null || session.isSameMailbox(target, mailbox)) continue;
    try {
      await session.open(target);
      const sought = begun.filter((due) => targetOf(due) === target);
      for (const [due, uids] of await findAlike(session, sought)) if (uids.length > 0) copied.add(due);
    } catch (error) {
      // A mailbox that is not there has no copies. What else is wrong with it, copying will tell.
      const isMissing = error instanceof ImapFault && error.kind === 'mailbox';
      if (!isMissing && !(error instanceof WithheldMail)) throw error;
    }
  }
  return copied;
}

/** Does the same with some mails of the open mailbox. @throws Refusal */
export async function change(session: ImapSession, group: readonly Task[]): Promise<void> {
  const { action } = group[0]!.due;
  const uids = uidsOf(group);
  if (action.kind === 'copy') return session.edits.copy(uids, action.mailbox);
  if (action.kind === 'delete') return session.edits.delete(uids);
  if (action.kind === 'move') {
    if (session.edits.canMove) return session.edits.move(uids, action.mailbox);
    const there = new Set(uidsOf(group.filter(({ copied }) => copied)));
    const uncopied = group.filter(({ uid }) => !there.has(uid));
    if (uncopied.length > 0) await session.edits.copy(uidsOf(uncopied), action.mailbox);
    for (const task of uncopied) task.copied = true;
    return session.edits.delete(uids);
  }
  const flag = flagOf(action)!;
  return session.edits.addFlag(uids, session.edits.keptFlag(flag) ?? flag);
}

export const uidsOf = (tasks: readonly Task[]): number[] => [...new Set(tasks.map(({ uid }) => uid))];

export const targetOf = ({ action }: ImapDueErrand): string | null =>
  action.kind === 'move' || action.kind === 'copy' ? action.mailbox : null;
