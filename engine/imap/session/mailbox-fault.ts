// Why a mailbox cannot be opened, in words that send nobody to the wrong place: only a name that the server does not
// list is a wrong name.
import { ImapFault } from './fault';
import { saidShortly, thereAre } from './fault-texts';
import type { ImapLogin } from './login';
import type { ListedMailbox } from './mailboxes';

/**
 * @param listed what the server lists; null: it lists nothing now
 * @param isSame whether a listed name means the mailbox
 * @param said the server's words
 */
export function mailboxFault(
  mailbox: string,
  login: ImapLogin,
  listed: readonly ListedMailbox[] | null,
  isSame: (name: string) => boolean,
  said: string,
): ImapFault {
  const cannot = `The mailbox "${mailbox}" of "${login.user}" on ${login.host} cannot be opened`;
  const words = saidShortly(said) && ` (${saidShortly(said)})`;
  const found = listed?.find(({ path }) => isSame(path));
  if (!listed || found?.selectable) {
    if (found && isRawUtf8(found))
      return new ImapFault(
        'mailbox',
        `${cannot}${words}: the server writes its name in raw UTF-8, which IMAP does not have without UTF8=ACCEPT ` +
          '(RFC 6855). Rename it there, with letters from a to z only, and choose it again.',
      );
    return new ImapFault(
      'locked',
      `${cannot} now${words}. ${found ? 'It is there' : 'Its name may be right'}: it is tried again. If this lasts, ask whoever runs the server.`,
    );
  }
  if (found)
    return new ImapFault(
      'mailbox',
      `${cannot}: it is only a level of other mailboxes' names and holds no mail. Choose one of those. ${thereAre(names(listed))}`.trimEnd(),
    );
  return new ImapFault(
    'mailbox',
    `${cannot}${words}. Check Mailbox Name. ${thereAre(names(listed))}`.trimEnd(),
  );
}

const names = (listed: readonly ListedMailbox[]): string[] =>
  listed.filter(({ selectable }) => selectable).map(({ path }) => path);

/** A listed name is in ASCII, others' letters in modified UTF-7 (RFC 3501, 5.1.3), unless UTF-8 was agreed on. */
const isRawUtf8 = ({ pathAsListed, path }: ListedMailbox): boolean =>
  pathAsListed !== undefined && /[^\x00-\x7f]/.test(pathAsListed) && /[^\x00-\x7f]/.test(path);
