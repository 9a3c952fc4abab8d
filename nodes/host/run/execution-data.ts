// What the list of n8n's executions says of a run, and can be searched by: n8n's custom execution data.
// Invariant: a run goes on without it; n8n takes ten values for an execution, and a workflow may want some itself.
import type { IExecuteFunctions } from 'n8n-workflow';
import type { Claim } from '../../../engine/ledger/pointer';
import { errorText } from '../../../engine/runtime/log';
import { log } from '../n8n/log';

/** n8n cuts off what is longer, and says so as an error in its log. */
const MOST_CHARACTERS = 250;

type Named = Pick<Claim, 'event' | 'attempt' | 'sender' | 'subject'>;

/** @param showsMail sender and subject, too */
export function nameExecution(
  context: Pick<IExecuteFunctions, 'customData'>,
  claims: readonly Named[],
  showsMail: boolean,
): void {
  if (claims.length === 0) return;
  const values = {
    mailEvent: all(claims, ({ event }) => event),
    mailTry: String(Math.max(...claims.map(({ attempt }) => attempt))),
    ...(showsMail && {
      mailSender: all(claims, ({ sender }) => sender),
      mailSubject: all(claims, ({ subject }) => subject),
    }),
  };
  try {
    context.customData.setAll(Object.fromEntries(Object.entries(values).filter(([, value]) => value !== '')));
  } catch (error) {
    log.debug(`The execution does not show its mail: ${errorText(error)}`);
  }
}

/** Of a run with several mails: as many of them as there is room for. */
const all = (claims: readonly Named[], of: (claim: Named) => string | null): string =>
  Buffer.from(
    [...new Set(claims.map(of).filter((value) => value !== null))].join(', ').slice(0, MOST_CHARACTERS),
  ).toString();
