// Which due events n8n is to run together: the same for every ledger.
import { newEventId } from './event-id';
import type { OfferedRun, OfferRequest } from '../offers';
import type { Pointer } from '../pointer';

/** The most events of one offer, so that it is short; the next one, at once, goes on. */
export const MOST_EVENTS = 2_000;

/** So many are few, however few runs there may be at once. */
const FEW = 5;

/** A due event, under the attempt that it had so far. */
export interface DueEvent extends Pointer {
  readonly seq: number;
  readonly failures: number;
}

export interface DueRun {
  /** Unique among all runs ever offered. */
  readonly id: string;
  readonly events: readonly DueEvent[];
}

type Sizing = Pick<OfferRequest, 'mostRuns' | 'mailsPerRun' | 'fewAlone'>;

const few = ({ mostRuns }: Sizing): number => Math.max(FEW, mostRuns);

/** How many due mails are many, so that more of them change nothing; null: how many there are does not matter. */
export const manyMails = (sizing: Sizing, places: number): number | null =>
  sizing.fewAlone ? Math.max(few(sizing) + 1, places * sizing.mailsPerRun) : null;

/** How many mails go together in one run, so that all that is due runs now. @param due counted up to `manyMails` */
export function sizeOfRuns(sizing: Sizing, due: number, places: number): number {
  if (!sizing.fewAlone) return sizing.mailsPerRun;
  return due <= few(sizing) ? 1 : Math.min(sizing.mailsPerRun, Math.ceil(due / places));
}

/**
 * Mails that never failed go together, others alone, so that none spoils another's run.
 * @param due the oldest first @returns the runs, in the order of their oldest mails; what is left over waits
 */
export function groupedRuns(due: readonly DueEvent[], mailsPerRun: number, mostRuns: number): DueRun[] {
  const runs: { readonly id: string; readonly events: DueEvent[] }[] = [];
  let open: DueEvent[] | undefined;
  for (const event of due) {
    if (event.failures === 0 && open && open.length < mailsPerRun) {
      open.push(event);
    } else if (runs.length < mostRuns) {
      const events = [event];
      runs.push({ id: newEventId(), events });
      if (event.failures === 0) open = events;
    }
  }
  return runs;
}

/** What is emitted of a run that was made QUEUED: in the order of the mails, under their new attempts. */
export const offeredRun = ({ id, events }: DueRun): OfferedRun => ({
  id,
  pointers: [...events]
    .sort((a, b) => a.seq - b.seq)
    .map(({ event, attempt }) => ({ event, attempt: attempt + 1 })),
});
