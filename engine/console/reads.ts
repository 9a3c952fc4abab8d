// What can be looked at: each address of `GET /api/…`, from what is asked to what is answered.
// Invariant: nothing here changes anything.
import type {
  CountAnswer,
  MailAnswer,
  MailsAnswer,
  PlotsAnswer,
  SeriesAnswer,
  SourcesAnswer,
  Standing,
  StatisticsAnswer,
  TriggersAnswer,
} from './api';
import { FILTER_NAMES, mailFilter, NUMBERS } from './mail-filter';
import type { ConsoleContext } from './context';
import { OUTBOX_READS } from './outbox-reads';
import { counted, pageIn } from './paging';
import { digestOf } from './policy';
import type { ConsoleLedger } from './ports';
import { eventIdOf } from '../ledger/askable';
import { asked, numberIn, oneOf, textIn, timeIn } from './query';
import { Refusal } from './refusal';
import type { SeriesRequest } from '../ledger/series';
import { isoTime } from '../runtime/iso-time';
import { tellLife, tellMail, tellPoints, tellSource, tellTrigger } from './told';

export interface Reading extends Pick<ConsoleContext, 'showMail' | 'templates' | 'plots'> {
  readonly ledger: ConsoleLedger;
  readonly now: () => number;
}

type Read = (reading: Reading, query: URLSearchParams, id: string) => Promise<unknown>;

/** As long as sums are kept (engine/ledger/series.ts), and an hour or day more for whoever rounds. */
const SPAN_MS = { minute: 25 * 3_600_000, hour: 33 * 86_400_000 } as const;

const READS: Readonly<Record<string, Read>> = {
  ...OUTBOX_READS,

  '/api/sources': async ({ ledger, now }, query): Promise<SourcesAnswer> => {
    asked(query, []);
    const at = now();
    const sources = (await ledger.sources()).map((source) => tellSource(source, at));
    const standings: Partial<Record<Standing, number>> = {};
    for (const { standing } of sources) standings[standing] = (standings[standing] ?? 0) + 1;
    return { sources, standings };
  },

  '/api/triggers': async ({ ledger }, query): Promise<TriggersAnswer> => {
    asked(query, []);
    return { triggers: (await ledger.triggers()).map(tellTrigger) };
  },

  '/api/statistics': async ({ ledger }, query): Promise<StatisticsAnswer> => {
    const { workflow } = asked(query, ['workflow']);
    const filter = workflow === undefined ? {} : { workflowId: textIn(workflow, 'workflow', 200) };
    return { counts: await ledger.statistics(filter), unserved: await ledger.unserved(filter) };
  },

  '/api/mails': async ({ ledger }, query): Promise<MailsAnswer> => {
    const { after, limit, ...filter } = asked(query, [...FILTER_NAMES, 'after', 'limit']);
    const page = await ledger.events(mailFilter(filter), pageIn({ after, limit }));
    return { mails: page.events.map(tellMail), next: page.next };
  },

  '/api/mails/': async ({ ledger }, query, given): Promise<MailAnswer> => {
    asked(query, []);
    const id = eventIdOf(given);
    const event = id === null ? null : await ledger.event(id);
    const life = event && (await ledger.life(event.id));
    if (!event || !life)
      throw new Refusal(404, 'This mail is not in the ledger. Perhaps it was kept long enough.');
    return { mail: tellMail(event), life: tellLife(life) };
  },

  '/api/count': async ({ ledger }, query): Promise<CountAnswer> => {
    const filter = mailFilter(asked(query, FILTER_NAMES));
    return counted((most) => ledger.count(filter, most));
  },

  '/api/series': async ({ ledger, now }, query): Promise<SeriesAnswer> => {
    const told = asked(query, ['from', 'until', 'step', 'source', 'workflow']);
    if (told.from === undefined) throw new Refusal(400, '"from" is missing: since when to tell.');
    const from = timeIn(told.from, 'from');
    const until = told.until === undefined ? now() : timeIn(told.until, 'until');
    const step = oneOf(told.step ?? 'minute', 'step', ['minute', 'hour']);
    if (until <= from) throw new Refusal(400, '"from" has to be before "until".');
    if (until - from > SPAN_MS[step]) {
      throw new Refusal(
        400,
        `In steps of one ${step} there is ${step === 'minute' ? 'a day' : 'a month'} at most.`,
      );
    }
    const request: SeriesRequest = {
      from,
      until,
      step,
      ...(told.source !== undefined && { sourceId: numberIn(told.source, 'source', NUMBERS) }),
      ...(told.workflow !== undefined && { workflowId: textIn(told.workflow, 'workflow', 200) }),
    };
    const [points, waitingBefore] = await Promise.all([
      ledger.series(request),
      ledger.waitingBefore(request),
    ]);
    const times = { from: isoTime(from), until: isoTime(until) };
    return { ...times, step, waitingBefore, points: tellPoints(points, waitingBefore) };
  },

  '/api/plots': async ({ plots }, query): Promise<PlotsAnswer> => {
    const { digest } = asked(query, ['digest']);
    // The policy of an older page, or of a newer one, knows another script, and would let none of this one run.
    if (digest !== digestOf(plots)) {
      throw new Refusal(404, 'The Mail Console is another version by now than this page. Reload the page.');
    }
    return { script: plots };
  },
};

/** @returns undefined: there is no such address */
export function readAt(
  path: string,
): ((reading: Reading, query: URLSearchParams) => Promise<unknown>) | undefined {
  const [, folder, id = ''] = OF_ONE.exec(path) ?? [];
  const name = !path.endsWith('/') && readsOf(path) ? path : (folder ?? '');
  const read = readsOf(name);
  return read && ((reading, query) => read(reading, query, id));
}

/** One of several, by its id. */
const OF_ONE = /^(\/api\/(?:mails|outbox)\/)([^/]+)$/;

/** A bundle may ask for anything: `constructor` is no address. */
const readsOf = (name: string): Read | undefined => (Object.hasOwn(READS, name) ? READS[name] : undefined);
