// What can be looked at of the outbox: entries, counts, templates, endpoints.
// Invariant: nothing here changes anything.
import { eventIdOf } from '../ledger/askable';
import { isReader } from '../ledger/endpoints';
import { tellMail } from './told';
import type { CountAnswer } from './api';
import type { ConsoleContext } from './context';
import type {
  EndpointsAnswer,
  EntryAnswer,
  OutboxAnswer,
  OutboxCounts,
  TemplateAnswer,
  TemplatesAnswer,
} from './outbox-api';
import { OUTBOX_NAMES, outboxFilter } from './outbox-filter';
import { tellAnswered, tellEndpoint, tellEntry, tellInList } from './outbox-told';
import { counted, pageIn } from './paging';
import type { ConsoleLedger } from './ports';
import { asked, textIn } from './query';
import { Refusal } from './refusal';
import { templateAnswer, templateOf } from './templates';
import { MOST_TEMPLATE_NAME } from '../ledger/templates';

type Reading = Pick<ConsoleContext, 'showMail' | 'templates'> & { readonly ledger: ConsoleLedger };
type Read = (reading: Reading, query: URLSearchParams, id: string) => Promise<unknown>;

export const OUTBOX_READS: Readonly<Record<string, Read>> = {
  '/api/outbox': async ({ ledger, showMail }, query): Promise<OutboxAnswer> => {
    const { after, limit, ...filter } = asked(query, [...OUTBOX_NAMES, 'after', 'limit']);
    const page = await ledger.entries(outboxFilter(filter, showMail), pageIn({ after, limit }));
    return { entries: page.entries.map((entry) => tellEntry(entry, showMail)), next: page.next };
  },

  '/api/outbox/': async ({ ledger, showMail }, query, given): Promise<EntryAnswer> => {
    asked(query, []);
    const id = eventIdOf(given);
    const [entry] = id === null ? [] : await ledger.entriesOf({ ids: [id] });
    if (!entry) throw new Refusal(404, 'This entry is not in the outbox. Perhaps it was kept long enough.');
    const { event } = entry.origin;
    const mail = event === null ? null : await ledger.event(event);
    return {
      entry: tellEntry(entry, showMail),
      mail: mail && tellAnswered(tellMail(mail), showMail),
    };
  },

  '/api/outbox/count': async ({ ledger }, query): Promise<OutboxCounts> => {
    asked(query, []);
    return ledger.countEntries();
  },

  '/api/outbox/found': async ({ ledger, showMail }, query): Promise<CountAnswer> => {
    const filter = outboxFilter(asked(query, OUTBOX_NAMES), showMail);
    return counted((most) => ledger.entriesFound(filter, most));
  },

  '/api/templates': async ({ ledger }, query): Promise<TemplatesAnswer> => {
    asked(query, []);
    return { templates: (await ledger.templates()).map(tellInList) };
  },

  '/api/template': async ({ ledger, templates }, query): Promise<TemplateAnswer> => {
    const { name = '' } = asked(query, ['name']);
    return templateAnswer(await templateOf(ledger, textIn(name, 'name', MOST_TEMPLATE_NAME)), templates);
  },

  '/api/endpoints': async ({ ledger }, query): Promise<EndpointsAnswer> => {
    asked(query, []);
    return { endpoints: (await ledger.endpoints()).filter((one) => !isReader(one)).map(tellEndpoint) };
  },
};
