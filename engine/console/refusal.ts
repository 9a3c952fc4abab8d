// Why a request is not done, as it is answered: a status, and one sentence for people.
import { LedgerFault } from '../ledger/fault';
import { errorText, type Log } from '../runtime/log';

export class Refusal extends Error {
  constructor(
    readonly status: 400 | 401 | 403 | 404 | 405 | 409 | 410 | 413 | 415 | 429 | 503,
    message: string,
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(message);
    this.name = 'Refusal';
  }

  with(headers: Readonly<Record<string, string>>): Refusal {
    return new Refusal(this.status, this.message, { ...this.headers, ...headers });
  }
}

/** What was thrown, as a refusal: what a ledger says is for people, anything else is a mistake of ours, for the log. */
export function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error;
  if (error instanceof LedgerFault && error.kind === 'asked') return new Refusal(400, error.message);
  if (error instanceof LedgerFault) return new Refusal(503, error.message, { 'Retry-After': '5' });
  log.error(`The console could not answer: ${errorText(error)}`);
  return new Refusal(503, 'The console could not answer. The log says why.');
}
