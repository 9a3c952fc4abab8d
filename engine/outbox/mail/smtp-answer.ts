// What the log keeps of a server's answer to a mail that it has taken: its words, and who of the recipients was refused.
// Invariant: what was written is read back, so that a workflow can tell who has not got it.
import { MOST_ENTRY_TEXT } from '../../ledger/outbox';
import { saidBy, type SmtpLogin } from './smtp-login';
import type { RefusedRecipient } from './smtp-session';

export interface MailAnswer {
  /** The server's own words. */
  readonly response: string;
  /** In the order of the mail. */
  readonly refused: readonly { readonly address: string; readonly response: string }[];
}

const NOT_TO = 'Not to ';

/** A line for the answer, and one for each that was refused; those that find no room in the log are counted. */
export function writeAnswer(
  response: string,
  refused: readonly RefusedRecipient[],
  login: SmtpLogin,
): string {
  let answer = saidBy(response, login);
  for (const [at, one] of refused.entries()) {
    const line = `\n${NOT_TO}${refusedText(one, login)}`;
    const isLast = at === refused.length - 1;
    if (answer.length + line.length > MOST_ENTRY_TEXT - (isLast ? 0 : ROOM_FOR_COUNT))
      return `${answer}\n${NOT_TO}${refused.length - at} more`;
    answer += line;
  }
  return answer;
}

const ROOM_FOR_COUNT = 30;

export const refusedText = ({ address, response }: RefusedRecipient, login: SmtpLogin): string =>
  `${address}: ${saidBy(response, login)}`;

/** Of an entry's `lastAnswer`. */
export function readAnswer(answer: string): MailAnswer {
  const [response = '', ...lines] = answer.split('\n');
  const refused = lines
    .filter((line) => line.startsWith(NOT_TO))
    .map((line) => {
      const [address = '', ...said] = line.slice(NOT_TO.length).split(': ');
      return { address, response: said.join(': ') };
    });
  return { response, refused };
}
