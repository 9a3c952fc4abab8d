// Why something cannot be done with mails on their server, in words that tell a person what to do about it.
// Invariant: nothing of a mail stands in them but the names of mailboxes and keywords.
import { thereAre } from '../session/fault-texts';
import type { Refusal } from '../session/refusal';
import type { ImapSession } from '../session/session';
import type { ImapMailAction } from './action';

export interface Obstacle {
  readonly text: string;
  /** It stands in the way of each mail in the same manner. */
  readonly ofAll: boolean;
  /** It passes by itself, as a rule. */
  readonly passes: boolean;
}

// RFC 5530: the server cannot now; and what is so for every mail.
const PASSES: ReadonlySet<string | null> = new Set(['UNAVAILABLE', 'INUSE', 'SERVERBUG', 'LIMIT']);
const OF_ALL: ReadonlySet<string | null> = new Set(['NOPERM', 'OVERQUOTA', 'CONTACTADMIN']);

/** What the open mailbox does not allow, known before it is asked. */
export function obstacleTo(session: ImapSession, mailbox: string, action: ImapMailAction): Obstacle | null {
  const because = (reason: string): Obstacle => ({
    text: `${cannot(session, mailbox, action)}: ${reason}`,
    ofAll: true,
    passes: false,
  });
  // Where nothing is removed, reading is enough.
  if (action.kind === 'copy') return null;
  if (!session.canChange) {
    return because(
      'this login may only read the mailbox. Give it the right to change it, or choose "Nothing".',
    );
  }
  const flag = action.kind === 'move' && !session.edits.canMove ? '\\Deleted' : flagOf(action);
  if (flag === null || session.edits.keptFlag(flag) !== null) return null;
  return because(
    action.kind === 'addKeyword'
      ? 'the server takes no keywords of your own in this mailbox. Choose something else to be done.'
      : `the server does not keep the flag ${flag} in this mailbox. Choose something else to be done.`,
  );
}

/** What a refusal means. */
export async function obstacleOf(
  session: ImapSession,
  mailbox: string,
  action: ImapMailAction,
  refusal: Refusal,
): Promise<Obstacle> {
  const begin = cannot(session, mailbox, action);
  if (action.kind === 'move' || action.kind === 'copy') {
    const names = await session.mailboxes();
    // Servers say it in many ways; their list says it in one.
    if (!names.some((name) => session.isSameMailbox(name, action.mailbox))) {
      const text = `${begin}: there is no such mailbox. Create it, or choose another one in the trigger. ${thereAre(names)}`;
      return { text, ofAll: true, passes: false };
    }
  }
  return {
    text: `${begin}: the server refuses it (${refusal.message}). It is tried again later.`,
    ofAll: OF_ALL.has(refusal.code) || PASSES.has(refusal.code),
    passes: PASSES.has(refusal.code),
  };
}

/** The flag that has to be kept for it; null: none. */
export function flagOf(action: ImapMailAction): string | null {
  switch (action.kind) {
    case 'markRead':
      return '\\Seen';
    case 'flag':
      return '\\Flagged';
    case 'addKeyword':
      return action.keyword;
    case 'delete':
      return '\\Deleted';
    case 'move':
    case 'copy':
      return null;
  }
}

function cannot(session: ImapSession, mailbox: string, action: ImapMailAction): string {
  return `Mail in "${mailbox}" of ${session.account} cannot be ${done(action)}`;
}

function done(action: ImapMailAction): string {
  switch (action.kind) {
    case 'markRead':
      return 'marked as read';
    case 'flag':
      return 'flagged';
    case 'addKeyword':
      return `given the keyword "${action.keyword}"`;
    case 'move':
      return `moved to "${action.mailbox}"`;
    case 'copy':
      return `copied to "${action.mailbox}"`;
    case 'delete':
      return 'deleted';
  }
}
