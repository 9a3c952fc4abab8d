// Which of an account's mailboxes are meant: by their names, or by a pattern.

/** A pattern is that of LIST: `*` stands for anything, `%` for anything within one level (RFC 3501, 6.3.8). */
export type MailboxChoice =
  | { readonly kind: 'names'; readonly names: readonly string[] }
  | { readonly kind: 'pattern'; readonly pattern: string };

/** A mailbox as the server lists it. */
export interface ListedMailbox {
  /** Its full name, as people write it. */
  readonly path: string;
  /** The same as the server writes it, where that may say more. */
  readonly pathAsListed?: string;
  /** What it is for: `\Sent`, `\Trash`, … (RFC 6154), also where that is only guessed from its name. */
  readonly specialUse: string | null;
  /** What separates the levels of its name; '' where there are none. */
  readonly delimiter: string;
  /** Whether it can hold mails. */
  readonly selectable: boolean;
}

/** The names that are meant; of a pattern those that are there, in the server's order. */
export const chosenMailboxes = (
  choice: MailboxChoice,
  listed: readonly ListedMailbox[],
): readonly string[] =>
  choice.kind === 'names'
    ? choice.names
    : listed
        .filter(({ path, delimiter, selectable }) => selectable && isChosen(choice, path, delimiter))
        .map(({ path }) => path);

/** @param delimiter unknown: `/` and `.` separate levels */
export const isChosen = (choice: MailboxChoice, name: string, delimiter?: string): boolean =>
  choice.kind === 'names' ? choice.names.includes(name) : matches(choice.pattern, name, delimiter ?? '/.');

/** In steps that grow with the lengths only: a regular expression of many stars could take forever. */
function matches(pattern: string, name: string, delimiters: string): boolean {
  // Which beginnings of the name the pattern's beginning fits, by their length.
  let fits: boolean[] = Array.from({ length: name.length + 1 }, (_, length) => length === 0);
  for (const sign of pattern.split('')) {
    let runs = false;
    fits = fits.map((before, length, all) => {
      if (sign !== '*' && sign !== '%') return length > 0 && all[length - 1]! && name[length - 1] === sign;
      if (sign === '%' && length > 0 && delimiters.includes(name[length - 1]!)) runs = false;
      return (runs ||= before);
    });
  }
  return fits[name.length]!;
}
