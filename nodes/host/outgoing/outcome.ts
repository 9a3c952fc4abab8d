// What a run is told of an entry that did not go out, in words that say what happened, and where a person decides.
// Invariants: of what nobody knows it is never said that it was sent, or that it was not; what goes on by itself is told so only where
// somebody sends it; a retry is advised only where it finds the entry.
import type { Entry } from '../../../engine/ledger/outbox';
import { ONLY_BY, type Waited } from './sending';

/** What is told of, and to whom. */
export interface Sent {
  /** How people call it: `email`, `webhook`. */
  readonly what: string;
  /** A retry of the run finds the entry; else it sends another one. */
  readonly isFoundByRetry: boolean;
  /** Some process sends what waits, and looks for what is in doubt. */
  readonly goesOn: boolean;
}

export interface Told {
  readonly message: string;
  readonly description: string;
}

const WHERE = 'in the Mail Console, under Outbox, or with the Mail Ledger node (Outbox)';

/** @returns null: it was sent; that it came back later the Outbox Trigger tells */
export function whyNotSent(entry: Entry, sent: Sent, { waitedMs, mostAMinute }: Waited): Told | null {
  const { what, isFoundByRetry, goesOn } = sent;
  const because = entry.lastError === null ? '' : ` ${sentence(entry.lastError)}`;
  const name = `Its entry in the outbox is ${entry.id}.`;
  const thenRetry = isFoundByRetry ? ', and then retry the run' : '';
  switch (entry.state) {
    case 'SENT':
    case 'BOUNCED':
      return null;
    case 'QUEUED':
    case 'SENDING': {
      const whenSent = mostAMinute === null ? 'It is tried again by itself.' : heldText(what, mostAMinute);
      const next = goesOn ? whenSent : 'It waits: nobody sends it.';
      return {
        message: `The ${what} was not sent within ${seconds(waitedMs)}. ${next}${because}${restText(entry)}`,
        description:
          `${name} ${goesOn ? dueText('due', entry) : `It is sent ${ONLY_BY}. `}Nothing is lost: ${nextRun(sent)} ` +
          `To hurry it, or to cancel it, look ${WHERE}.`,
      };
    }
    case 'FAILED':
      return {
        message: `The ${what} was not sent.${because}`,
        description:
          `${name} It is not tried again by itself${isFoundByRetry ? ', nor by a retry of this run' : ''}. ` +
          `When the cause is mended, choose Retry ${WHERE}${thenRetry}.`,
      };
    case 'UNKNOWN':
      if (entry.dueAt !== null)
        return {
          message: `Nobody knows yet whether the ${what} arrived.${goesOn ? ' It is looked for.' : ''}${because}`,
          description:
            `${name} ${goesOn ? dueText('looked for', entry) : `It is looked for ${ONLY_BY}. `}If it is found, it counts as sent; if not, "If It Is in Doubt" says ` +
            `whether it is sent again, or a person decides. ${upperFirst(nextRun(sent))}`,
        };
      return {
        message: `Nobody knows whether the ${what} arrived.${because}`,
        description:
          `${name} So that nobody gets it twice, it is not sent again by itself. Find out whether it arrived. Then choose Mark Sent if ` +
          `it did, or Retry if it did not, ${WHERE}${thenRetry}.${isFoundByRetry ? '' : ` ${upperFirst(nextRun(sent))}`}`,
      };
    case 'CANCELLED':
      return {
        message: `The ${what} was cancelled${howFar(entry)}`,
        description: `${name} To send it all the same, choose Retry ${WHERE}${thenRetry}.`,
      };
  }
}

const heldText = (what: string, mostAMinute: number): string =>
  `It was not tried yet, and goes out by itself: of all ${what}s here at most ${mostAMinute} do within a minute, as an option of this step says.`;

/** Of a test, and of a workflow that another one calls. */
const nextRun = ({ what, isFoundByRetry }: Sent): string =>
  isFoundByRetry
    ? `when this run is tried again, it finds what became of the ${what}, and does not send it a second time.`
    : `the next run does not find it, and sends another ${what}, as it does in a test, and where one workflow calls another ` +
      'and no Idempotency Key is entered.';

/** That it was tried does not say whether it arrived. */
const howFar = ({ begunAt, mayHaveArrived }: Entry): string =>
  begunAt === null
    ? ' before it was sent.'
    : mayHaveArrived
      ? '. A try before that may have arrived.'
      : ' after it had been tried.';

const dueText = (what: string, { dueAt, restsUntil }: Entry): string =>
  dueAt === null ? '' : `It is ${what} next at ${new Date(Math.max(dueAt, restsUntil ?? 0)).toISOString()}. `;

/** Nothing was said of this one itself, where others were sent there before it. */
const restText = ({ restsUntil }: Entry): string =>
  restsUntil === null
    ? ''
    : ` Where it goes has asked for less: nothing is sent there before ${new Date(restsUntil).toISOString()}.`;

const upperFirst = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
