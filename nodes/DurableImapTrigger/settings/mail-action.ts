// What is done with a mail on its server when its run has ended, as a person chose it.
import type { ImapMailAction } from '../../../engine/imap/act/action';
import { checkKeyword } from '../../../engine/imap/act/keyword';
import { isChosen, type MailboxChoice } from '../../../engine/imap/session/mailboxes';
import { mailboxName } from './mailboxes';
import { isLikeBuiltIn, type Parameters, parsed, text } from '../../host/trigger/parameters';

/** Where a choice is made, and what its parts are called in the editor. */
interface Choice {
  readonly shown: string;
  readonly action: string;
  readonly keyword: string;
  readonly mailbox: string;
  /** How the fields of the keyword and the mailbox are named. */
  readonly prefix: string;
}

export const AFTER_SUCCESS: Choice = {
  shown: 'After Success',
  action: 'postProcessAction',
  keyword: 'successKeyword',
  mailbox: 'successMailbox',
  prefix: '',
};

export const WHEN_DEAD: Choice = {
  shown: 'When Dead',
  action: 'deadAction',
  keyword: 'deadKeyword',
  mailbox: 'deadMailbox',
  prefix: 'When Dead: ',
};

/** @throws Error that names the setting */
export function mailAction(
  parameters: Parameters,
  choice: Choice,
  watched: MailboxChoice,
): ImapMailAction | null {
  const action = text(parameters, choice.action);
  switch (action) {
    case '':
    case 'default':
      // Only "After Success" has it: the options have no options of their own.
      return isLikeBuiltIn(parameters) ? { kind: 'markRead' } : null;
    case 'nothing':
      return null;
    case 'read':
      return { kind: 'markRead' };
    case 'flag':
    case 'delete':
      return { kind: action };
    case 'keyword':
      return { kind: 'addKeyword', keyword: keyword(parameters, choice) };
    case 'move':
    case 'copy':
      return { kind: action, mailbox: target(parameters, choice, action, watched) };
    default:
      throw new Error(`"${choice.shown}" is "${action}", which this node does not know.`);
  }
}

function keyword(parameters: Parameters, { prefix, keyword }: Choice): string {
  const entered = text(parameters, keyword);
  if (entered === '') throw new Error(`"${prefix}Keyword" is empty. Enter one, such as Processed.`);
  return parsed(parameters, `"${prefix}Keyword"`, () => checkKeyword(entered));
}

function target(
  parameters: Parameters,
  { shown, prefix, mailbox }: Choice,
  action: 'move' | 'copy',
  watched: MailboxChoice,
): string {
  const name = mailboxName(text(parameters, mailbox));
  const field = `${prefix}To Mailbox`;
  if (name === '') throw new Error(`"${field}" is empty. Choose the mailbox to ${action} emails to.`);
  if (isChosen(watched, name)) {
    throw new Error(
      `"${shown}" would ${action} emails to "${name}", which this node watches itself. Choose another one in "${field}".`,
    );
  }
  return name;
}
