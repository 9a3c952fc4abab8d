// Which mailboxes the node watches, and which one a mail goes to: names as people write them, checked for what can
// never work.
import type { MailboxChoice } from '../../../engine/imap/session/mailboxes';
import { type Parameters, text } from '../../host/trigger/parameters';

/** @throws Error that names the setting */
export function watchedMailboxes(parameters: Parameters): MailboxChoice {
  switch (parameters.get('mailboxes')) {
    case 'several': {
      const list = parameters.get('mailboxList');
      const names = (Array.isArray(list) ? list : [list]).filter((name) => typeof name === 'string');
      const mailboxes = new Set(names.map(mailboxName).filter((name) => name !== ''));
      if (mailboxes.size === 0) throw new Error('"Mailbox Names" is empty. Choose at least one mailbox.');
      return { kind: 'names', names: [...mailboxes] };
    }
    case 'pattern': {
      const pattern = mailboxName(text(parameters, 'mailboxPattern'));
      if (pattern === '') throw new Error('"Mailbox Pattern" is empty. Enter one, such as Orders/*.');
      return { kind: 'pattern', pattern };
    }
    default: {
      const name = mailboxName(text(parameters, 'mailbox'));
      if (name === '') throw new Error('"Mailbox Name" is empty. Enter one, such as INBOX.');
      return { kind: 'names', names: [name] };
    }
  }
}

/** INBOX is the one name that IMAP takes in any case (RFC 3501, 5.1). */
export function mailboxName(written: string): string {
  const name = written.trim();
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}
