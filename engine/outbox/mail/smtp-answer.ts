// What the log keeps of a server's answer to a mail that it has taken: its words, and who of the recipients was refused.
// Invariant: what was written is read back, so that a workflow can tell who has not got it.
import { saidBy, type SmtpLogin } from './smtp-login';
import type { RefusedRecipient } from './smtp-session';

export interface MailAnswer {
  /** The server's own words. */
  readonly response: string;
  /** In the order of the mail. */
  readonly refused: readonly { readonly address: string; readonly response: string }[];
}

const NOT_TO = 'Not to ';

/** A line for the answer, and one for each that was refused. */
export function writeAnswer(
  response: string,
  refused: readonly RefusedRecipient[],
  login: SmtpLogin,
): string {
  return [saidBy(response, login), ...refused.map((one) => NOT_TO + refusedText(one, login))].join('\n');
}

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
