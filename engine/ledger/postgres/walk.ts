// Goes through the events of the Postgres ledger for people, the newest first, in windows: so that no statement reads a million
// of them for a filter that finds nothing.
// Invariant: a window is the newest so many events before a `seq`; FILTER is asked within it.
import type { EventFilter } from '../inspection';
import type { EventState } from '../states';
import type { Parameter, Statements } from './connection';
import { type FilterParameters, filterParameters } from './filter';

/** Measured: so many events are looked through in some 20 ms, and in twice that by a subject, which is compared in any case. */
export const WINDOW = 10_000;

const OF_ALL = `
  select * from durable_mail.event where event.seq < $10 order by event.seq desc limit $11`;

// By the index of what is not DONE, each state by itself.
const OF_NOT_DONE = `
  select found.* from unnest($2::text[]) asked (state) cross join lateral (
    select * from durable_mail.event
    where event.state = asked.state and event.state <> 'DONE' and event.seq < $10
    order by event.seq desc limit $11) found
  order by found.seq desc limit $11`;

const endOfAll = `
  select min(seq) as seq, count(*) as n from (
    select seq from durable_mail.event where seq < $1 order by seq desc limit $2) looked`;

const endOfNotDone = `
  select min(seq) as seq, count(*) as n from (
    select found.seq from unnest($3::text[]) asked (state) cross join lateral (
      select seq from durable_mail.event
      where event.state = asked.state and event.state <> 'DONE' and event.seq < $1
      order by seq desc limit $2) found
    order by found.seq desc limit $2) looked`;

/** After every one. */
const NO_END = '9223372036854775807';

interface Walk {
  /** The filter lets through all that is in a window. */
  readonly isWhole: boolean;

  /** `$1` to `$11` of a statement over the window of `size` events before it; null: the first. */
  parameters(before: number | null, size: number): readonly Parameter[];

  /** Where that window ended; null: there is no other. */
  endOf(before: number | null, size: number): Promise<number | null>;
}

/** In a transaction: such a plan is more than may be said to cost before a server compiles it. @param select makes a statement over a window, whose own parameters are from `$12` on */
export async function walked(
  statements: Statements,
  filter: EventFilter,
  select: (window: string) => string,
): Promise<{ readonly select: string; readonly walk: Walk }> {
  const isNotDone = isWithoutDone(filter.states);
  const filters: FilterParameters = await filterParameters(statements, { filter });
  const [, states, ...others] = filters;
  const walk: Walk = {
    isWhole: others.every((asked) => asked === null) && (states === null || isNotDone),
    parameters: (before, size) => [...filters, before ?? NO_END, size],
    endOf: async (before, size) => {
      const asked = isNotDone ? [before ?? NO_END, size, filter.states] : [before ?? NO_END, size];
      const { seq, n } = (await statements.get<{ seq: number | null; n: number }>(
        isNotDone ? endOfNotDone : endOfAll,
        ...asked,
      ))!;
      return n < size ? null : seq;
    },
  };
  return { select: select(isNotDone ? OF_NOT_DONE : OF_ALL), walk };
}

const isWithoutDone = (states: readonly EventState[] | undefined): states is readonly EventState[] =>
  states !== undefined && !states.includes('DONE');
