// Gmail's search box, as much of it as a collector uses: https://support.google.com/mail/answer/7190
import type { StoredMessage } from './mailbox';
import { everyPart, headerOf, isAttachment, type MailPart, readMail, textOf } from './mime';

export interface Searchable {
  readonly message: StoredMessage;
  readonly mail: MailPart;
  /** Its label ids and their names, in the writing that the search takes. */
  readonly labels: ReadonlySet<string>;
}

type Matches = (searched: Searchable) => boolean;

export interface Search {
  readonly matches: Matches;
  /** It asks for spam and trash itself. */
  readonly isAnywhere: boolean;
}

export function parseSearch(q: string): Search {
  const tokens = q.match(/[(){}]|-(?=\S)|[^\s(){}":]*:?"[^"]*"|[^\s(){}"]+:(?=[({])|[^\s(){}"]+/g) ?? [];
  const reader = { tokens, at: 0 };
  return { matches: group(reader, undefined), isAnywhere: /(?:^|\s)in:(?:anywhere|spam|trash)\b/i.test(q) };
}

export const searchable = (
  message: StoredMessage,
  names: ReadonlyMap<string, { name: string }>,
): Searchable => ({
  message,
  mail: readMail(message.raw),
  labels: new Set(message.labelIds.flatMap((id) => [plain(id), plain(names.get(id)?.name ?? id)])),
});

interface Reader {
  readonly tokens: readonly string[];
  at: number;
}

/** Up to the closing sign: terms in a row must all match, those that OR joins are one term. */
function group(reader: Reader, closing: ')' | '}' | undefined, operator = ''): Matches {
  const terms: Matches[][] = [];
  let isOr = false;
  for (;;) {
    const token = reader.tokens[reader.at];
    if (token === undefined || token === closing) break;
    if (token === 'OR' || token === '|') {
      isOr = true;
      reader.at++;
      continue;
    }
    const next = term(reader, operator);
    const last = terms.at(-1);
    if (last && (isOr || closing === '}')) last.push(next);
    else terms.push([next]);
    isOr = false;
  }
  reader.at++;
  return (searched) => terms.every((choices) => choices.some((matches) => matches(searched)));
}

function term(reader: Reader, operator: string): Matches {
  const token = reader.tokens[reader.at++] ?? '';
  if (token === '(') return group(reader, ')', operator);
  if (token === '{') return group(reader, '}', operator);
  if (token === '-') {
    const inner = term(reader, operator);
    return (searched) => !inner(searched);
  }
  const next = reader.tokens[reader.at];
  if (token.endsWith(':') && (next === '(' || next === '{')) {
    reader.at++;
    return group(reader, next === '(' ? ')' : '}', token);
  }
  return compare(`${operator}${token}`);
}

const SYSTEM_PLACES: Readonly<Record<string, string>> = { drafts: 'draft', draft: 'draft', sent: 'sent' };

function compare(token: string): Matches {
  const [, name = '', value = ''] = /^([a-z_0-9]+):(.*)$/is.exec(token) ?? ['', '', token];
  const text = value.replace(/^"|"$/g, '');
  const word = text.toLowerCase();
  const header =
    (field: string): Matches =>
    ({ mail }) =>
      hasWords(headerOf(mail.headers, field) ?? '', word);
  switch (name.toLowerCase()) {
    case 'from':
    case 'to':
    case 'cc':
    case 'subject':
      return header(name.toLowerCase());
    case 'rfc822msgid':
      return ({ mail }) =>
        headerOf(mail.headers, 'message-id')?.replace(/[<>]/g, '') === text.replace(/[<>]/g, '');
    case 'after':
    case 'newer':
      return ({ message }) => message.internalDate >= instant(text);
    case 'before':
    case 'older':
      return ({ message }) => message.internalDate < instant(text);
    case 'newer_than':
      return ({ message }) => message.internalDate >= Date.now() - age(text);
    case 'older_than':
      return ({ message }) => message.internalDate < Date.now() - age(text);
    case 'larger':
      return ({ message }) => message.raw.length > octets(text);
    case 'smaller':
      return ({ message }) => message.raw.length < octets(text);
    case 'label':
      return ({ labels }) => labels.has(plain(text));
    case 'category':
      return ({ labels }) => labels.has(`category_${word === 'primary' ? 'personal' : word}`);
    case 'in':
      return word === 'anywhere'
        ? () => true
        : ({ labels }) => labels.has(SYSTEM_PLACES[word] ?? plain(text));
    case 'is':
      return word === 'read' ? ({ labels }) => !labels.has('unread') : ({ labels }) => labels.has(word);
    case 'has':
      return word === 'attachment' ? ({ mail }) => everyPart(mail).some(isAttachment) : () => false;
    case 'filename':
      return ({ mail }) => everyPart(mail).some(({ filename }) => filename.toLowerCase().includes(word));
    default: {
      const wanted = token.replace(/"/g, '').toLowerCase();
      return ({ mail }) => hasWords(searchedText(mail), wanted);
    }
  }
}

/** As the search writes labels: `My Label/Sub` is my-label-sub. */
const plain = (label: string): string => label.toLowerCase().replace(/[\s/&()]+/g, '-');

const searchedText = (mail: MailPart): string =>
  [...['subject', 'from', 'to', 'cc'].map((name) => headerOf(mail.headers, name) ?? ''), textOf(mail)].join(
    '\n',
  );

/** Whole words, one behind the other. */
function hasWords(text: string, wanted: string): boolean {
  const words = wanted.match(/[\p{L}\p{N}_]+/gu) ?? [];
  if (words.length === 0) return true;
  return new RegExp(`(?<![\\p{L}\\p{N}_])${words.join('[^\\p{L}\\p{N}_]+')}(?![\\p{L}\\p{N}_])`, 'iu').test(
    text,
  );
}

/** Seconds since 1970, or a day in its own time zone; here UTC. */
function instant(text: string): number {
  if (/^\d{9,}$/.test(text)) return Number(text) * 1000;
  const [year = 0, month = 1, day = 1] = text.split(/[/-]/).map(Number);
  return Date.UTC(year, month - 1, day);
}

const DAY_MS = 24 * 3_600_000;

function age(text: string): number {
  const days = { h: 1 / 24, d: 1, m: 30, y: 365 }[text.slice(-1)] ?? 1;
  return parseInt(text, 10) * days * DAY_MS;
}

const octets = (text: string): number =>
  parseInt(text, 10) * ({ k: 1024, m: 1024 ** 2 }[text.slice(-1).toLowerCase()] ?? 1);
