// A text that is looked for in any case, as a pattern that names both cases of each letter: so it does not matter what the
// database knows of letters, which is little in SQLite, and in Postgres depends on how it was made.
// Invariant: what is looked for is found as it is written, whatever signs are in it; what no text has is refused, for databases
// leave it out of a pattern, or end the pattern there, which finds more than was meant.
import { LedgerFault } from '../fault';

const MOST = 500;

/** For `like`, in the case that it is in: any text with it. @throws LedgerFault */
export const likeOf = (text: string): string =>
  `%${signsOf(text)
    .join('')
    .replace(/[\\%_]/g, '\\$&')}%`;

/** For `glob`: any text with it. @throws LedgerFault */
export const globOf = (text: string): string =>
  `*${patternOf(text, (sign) => ('*?['.includes(sign) ? `[${sign}]` : sign))}*`;

/** For a regular expression of Postgres. @throws LedgerFault */
export const regexOf = (text: string): string =>
  patternOf(text, (sign) => (/[\p{L}\p{N}\s]/u.test(sign) || sign > '~' ? sign : `\\${sign}`));

function patternOf(text: string, literally: (sign: string) => string): string {
  return signsOf(text)
    .map((sign) => {
      const cases = casesOf(sign);
      return cases.length === 1 ? literally(sign) : `[${cases.join('')}]`;
    })
    .join('');
}

function signsOf(text: string): readonly string[] {
  const signs = Array.from(text);
  if (signs.length > MOST)
    throw new LedgerFault('other', `What is looked for is too long: up to ${MOST} characters can be.`);
  if (signs.includes('\0'))
    throw new LedgerFault(
      'other',
      'What is looked for has a NUL, which no text of a mail has. Leave it out.',
    );
  return signs;
}

/** The sign itself, and the same letter in the other case, where that is one sign, too. */
function casesOf(sign: string): readonly string[] {
  const all = [sign, sign.toLowerCase(), sign.toUpperCase()];
  return [...new Set(all.filter((one) => Array.from(one).length === 1))];
}
