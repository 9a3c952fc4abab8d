// What the node takes from its account, and how often it asks for it: as data, which is compiled where it is used.
import type { GmailEvent } from '../../../engine/gmail/mail/event';
import type { GmailFilterData, GmailReadingData, GmailTaking } from '../../../engine/gmail/read/reading-data';
import { SECOND_MS } from '../../host/trigger/numbers';
import { collection, isLikeBuiltIn, type Parameters, text, texts } from '../../host/trigger/parameters';
import { mostStoredBytes, start } from '../../host/trigger/settings';
import { pollEvery } from './polling';

/** What is known besides the parameters. */
interface Circumstances {
  /** What came before, while the trigger was switched off, is passed over; ms since 1970, null: nothing is. */
  readonly skipBefore: number | null;
  /** The workflow's time zone: that of a date without one. */
  readonly timeZone: string;
}

const EVENTS: Readonly<Record<string, GmailEvent>> = {
  labelAdded: 'labelAdded',
  messageReceived: 'received',
  messageSent: 'sent',
  starred: 'starred',
};

/** @throws Error that names the setting */
export function reading(
  parameters: Parameters,
  { skipBefore, timeZone }: Circumstances,
): Omit<GmailReadingData, 'notifications'> {
  const options = collection(parameters, 'options');
  return {
    v: 1,
    start: start(parameters, timeZone),
    skipBefore,
    mostStoredBytes: mostStoredBytes(options),
    ...wanted(parameters),
    pollMs: Math.round(pollEvery(parameters) * SECOND_MS),
  };
}

/** What the node takes; also of the mails that a test in the editor looks at. @throws Error that names the setting */
export function wanted(parameters: Parameters): GmailTaking {
  const chosen = text(parameters, 'event') || 'messageReceived';
  const event = EVENTS[chosen];
  if (!event) throw new Error(`"Event" is "${chosen}", which this node does not know.`);
  return {
    event,
    eventLabels: event === 'labelAdded' ? texts(parameters, 'eventLabels') : [],
    filter: filter(collection(parameters, 'filters'), byDefault(parameters)),
  };
}

type Included = Pick<GmailFilterData, 'drafts' | 'sent' | 'scheduled'>;

/** What is taken where no filter says so; as the version of the built-in trigger did it, only if that is wanted. */
function byDefault(parameters: Parameters): Included {
  const version = isLikeBuiltIn(parameters) ? parameters.node.typeVersion : Infinity;
  return { drafts: version < 1.2, sent: version < 1.3, scheduled: version < 1.4 };
}

function filter(filters: Parameters, included: Included): GmailFilterData {
  const includes = (name: string, otherwise: boolean): boolean => (filters.get(name) ?? otherwise) === true;
  const ids = texts(filters, 'labelIds');
  const { sender, senderSearch } = readSender(filters);
  return {
    // The built-in trigger wants all of them, and has no choice.
    labels: ids.length > 0 ? { ids, match: filters.get('labelMatch') === 'any' ? 'any' : 'all' } : null,
    sender,
    search: [text(filters, 'q'), senderSearch].filter((part) => part !== '').join(' ') || null,
    readStatus: readStatus(filters),
    drafts: includes('includeDrafts', included.drafts),
    sent: includes('includeSent', included.sent),
    scheduled: includes('includeScheduled', included.scheduled),
    spamAndTrash: filters.get('includeSpamTrash') === true,
  };
}

/** The built-in trigger hands the sender to Gmail's search, so some people have written it in that language. */
const IN_SEARCH_LANGUAGE = /[{}()"|]|\sOR\s|^-/;

function readSender(filters: Parameters): { sender: string | null; senderSearch: string } {
  const entered = text(filters, 'sender');
  if (entered === '') return { sender: null, senderSearch: '' };
  if (!entered.startsWith('/') && IN_SEARCH_LANGUAGE.test(entered))
    return { sender: null, senderSearch: `from:${entered}` };
  return { sender: entered, senderSearch: '' };
}

function readStatus(filters: Parameters): GmailFilterData['readStatus'] {
  const chosen = text(filters, 'readStatus');
  return chosen === 'read' || chosen === 'unread' ? chosen : 'both';
}
