// A text that is looked for in any case, as a pattern that names both cases of each letter: so it does not matter what the
// database knows of letters, which is little in SQLite, and in Postgres depends on how it was made.
// Invariant: what is looked for is found as it is written, whatever signs are in it. NUL was refused before (askable.ts).
import { LedgerFault } from '../fault';

const MOST = 500;

/** An address as it is looked for: they are stored in lower case, in which a letter may be two signs. */
export const addressOf = (text: string): string => text.toLowerCase();

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
    throw new LedgerFault('asked', `What is looked for is too long: up to ${MOST} characters can be.`);
  return signs;
}

/** The sign itself, and the same letter in the other cases, where these are one sign, too. */
function casesOf(sign: string): readonly string[] {
  const [lower, upper] = [sign.toLowerCase(), sign.toUpperCase()];
  // Some letters have more than two: Greek has a sigma of its own at the end of a word.
  const all = [sign, lower, upper, upper.toLowerCase(), ...(upper === 'Σ' ? ['ς'] : [])];
  return [...new Set(all.filter((one) => Array.from(one).length === 1))];
}
