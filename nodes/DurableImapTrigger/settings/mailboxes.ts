// Which mailboxes the node watches, and which one a mail goes to: names as people write them, checked for what can
// never work.
import type { MailboxChoice } from '../../../engine/imap/session/mailboxes';
import { rawParameters } from '../../host/n8n/internals';
import { collection, type Parameters, text, texts } from '../../host/trigger/parameters';
import { BY_PATTERN, MORE_MAILBOXES } from '../properties/mailboxes';

/** @throws Error that names the setting */
export function watchedMailboxes(parameters: Parameters): MailboxChoice {
  const options = collection(parameters, 'options');
  const more = options.get(MORE_MAILBOXES) === undefined ? null : texts(options, MORE_MAILBOXES);
  const name = mailboxName(text(parameters, 'mailbox'));
  if (isPattern(parameters)) {
    if (more && more.length > 0)
      throw new Error(
        '"More Mailboxes" cannot be added to a pattern. Let the pattern fit them, or watch them with another trigger.',
      );
    return {
      kind: 'pattern',
      pattern: mustBe(name, '"Mailbox Name" is empty. Enter a pattern, such as Orders/*.'),
    };
  }
  if (more === null) {
    const before = watchedBefore(parameters);
    if (before) return before;
  }
  const first = mustBe(name, '"Mailbox Name" is empty. Enter one, such as INBOX.');
  return names([first, ...(more ?? [])]);
}

/** As several were chosen before they were an option. */
function watchedBefore(parameters: Parameters): MailboxChoice | null {
  switch (parameters.get('mailboxes')) {
    case 'several': {
      const list = texts(parameters, 'mailboxList');
      mustBe(
        list[0] ?? '',
        '"Mailbox Names" is empty. Add the option "More Mailboxes", and choose them there.',
      );
      return names(list);
    }
    case 'pattern': {
      const pattern = mailboxName(text(parameters, 'mailboxPattern'));
      const none =
        '"Mailbox Pattern" is empty. Choose By Pattern in "Mailbox Name", and enter one, such as Orders/*.';
      return { kind: 'pattern', pattern: mustBe(pattern, none) };
    }
    default:
      return null;
  }
}

/** How it was chosen stands beside the value, which may be an expression. */
function isPattern({ node }: Parameters): boolean {
  const chosen = rawParameters(node)['mailbox'];
  return typeof chosen === 'object' && chosen !== null && 'mode' in chosen && chosen.mode === BY_PATTERN;
}

const names = (written: readonly string[]): MailboxChoice => ({
  kind: 'names',
  names: [...new Set(written.map(mailboxName))],
});

function mustBe(entered: string, otherwise: string): string {
  if (entered === '') throw new Error(otherwise);
  return entered;
}

/** INBOX is the one name that IMAP takes in any case (RFC 3501, 5.1). */
export function mailboxName(written: string): string {
  const name = written.trim();
  return name.toUpperCase() === 'INBOX' ? 'INBOX' : name;
}
