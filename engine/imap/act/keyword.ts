// Keywords: the flags with which people mark mails by names of their own (RFC 3501, 2.3.2).
// Invariant: what passes here is an atom, so that it can stand in a command as it is.

// RFC 3501, 9: an atom has no ( ) { SPACE CTL % * " \ ], and only US-ASCII.
const NOT_ATOM = /[^\x21-\x7e]|[(){%*"\\\]]/;

/** @returns the keyword, trimmed @throws Error that says what is wrong with it */
export function checkKeyword(text: string): string {
  const keyword = text.trim();
  if (keyword === '') throw new Error('The keyword is empty. Enter one, such as "Done".');
  const wrong = NOT_ATOM.exec(keyword)?.[0];
  if (wrong === undefined) return keyword;
  const what = wrong === ' ' ? 'a space' : /\s|\p{Cc}/u.test(wrong) ? 'an invisible character' : `"${wrong}"`;
  throw new Error(
    `The keyword "${keyword}" contains ${what}. ` +
      'Use letters from a to z, digits, and signs such as "_", "-" or "$": mail servers take no others.',
  );
}
