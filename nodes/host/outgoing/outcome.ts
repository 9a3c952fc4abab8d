// What a run is told of an entry that did not go out, in words that say what happened, and where a person decides.
// Invariant: of what nobody knows it is never said that it was sent, or that it was not.
import type { Entry } from '../../../engine/ledger/outbox';

/** How people call what is sent. */
export interface Sent {
  /** `email`, `webhook`. */
  readonly what: string;
}

export interface Told {
  readonly message: string;
  readonly description: string;
}

const WHERE = 'in the Mail Console, under Outbox, or with the Mail Ledger node (Outbox)';

/**
 * @param waitedMs how long this run has waited for it
 * @param mostAMinute of its kind may go out here, which may be what has held it; null: it is not that
 * @returns null: it was sent; that it came back later the Outbox Trigger tells
 */
export function whyNotSent(
  entry: Entry,
  { what }: Sent,
  waitedMs: number,
  mostAMinute: number | null = null,
): Told | null {
  const because = entry.lastError === null ? '' : ` ${sentence(entry.lastError)}`;
  const name = `Its entry in the outbox is ${entry.id}.`;
  switch (entry.state) {
    case 'SENT':
    case 'BOUNCED':
      return null;
    case 'QUEUED':
    case 'SENDING':
      return {
        message: `The ${what} was not sent within ${seconds(waitedMs)}. ${goesOn(what, mostAMinute)}${because}`,
        description:
          `${name} ${dueText(entry)}Nothing is lost: when this run is tried again, it finds what became of the ${what}, and ` +
          `does not send it a second time. To hurry it, or to cancel it, look ${WHERE}.`,
      };
    case 'FAILED':
      return {
        message: `The ${what} was not sent.${because}`,
        description:
          `${name} It is not tried again by itself, nor by a retry of this run. When the cause is mended, choose Retry ${WHERE}, and ` +
          'then retry the run.',
      };
    case 'UNKNOWN':
      return {
        message: `Nobody knows whether the ${what} arrived.${because}`,
        description:
          `${name} So that nobody gets it twice, it is not sent again by itself. Find out whether it arrived. Then choose Mark Sent if ` +
          `it did, or Retry if it did not, ${WHERE}, and then retry the run.`,
      };
    case 'CANCELLED':
      return {
        message: `The ${what} was cancelled before it was sent.`,
        description: `${name} To send it all the same, choose Retry ${WHERE}, and then retry the run.`,
      };
  }
}

const goesOn = (what: string, mostAMinute: number | null): string =>
  mostAMinute === null
    ? 'It is tried again by itself.'
    : `It was not tried yet, and goes out by itself: of all ${what}s here at most ${mostAMinute} do within a minute, as an option of this step says.`;

function dueText({ dueAt }: Entry): string {
  return dueAt === null ? '' : `It is due next at ${new Date(dueAt).toISOString()}. `;
}

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

const seconds = (ms: number): string => `${Math.round(ms / 1_000)} s`;
