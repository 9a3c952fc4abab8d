// Where a webhook goes, as it may be entered, as it is shown, and the lane that it takes; and which headers may go with it.
// Invariants: what is shown has no value of the query, and no name there or part of the path that looks like a token: many services
// know a sender by nothing but its URL; what stands where a URL or a name is expected, and is none, stands in no error.
import { validateHeaderName, validateHeaderValue } from 'node:http';
import { addressKind, isRefused, literalAddress } from './addresses';

/** What a person entered cannot be used; the message says why and what to do. */
export class WebhookFault extends Error {
  override readonly name = 'WebhookFault';
}

/** Where the webhook itself says whether it may; another place has words of its own for it (`helped`). */
export const OWN_NETWORK_HELP =
  'Addresses of the own network are refused, so that nobody can reach what is behind your firewall through n8n. Where it is ' +
  'meant, allow addresses of the own network for this webhook.';

/** @param message of a fault @returns it, with this help where it is of the own network */
export const helped = (message: string, help: string): string => message.replace(OWN_NETWORK_HELP, help);

/** A text with a colon is a URL of some scheme: a secret may be before it. */
const SCHEMES: ReadonlySet<string> = new Set([
  'ftp:',
  'file:',
  'ws:',
  'wss:',
  'mailto:',
  'data:',
  'blob:',
  'javascript:',
]);

/** @throws WebhookFault */
export function checkedUrl(text: string, { allowOwnNetwork }: { readonly allowOwnNetwork: boolean }): URL {
  if (!URL.canParse(text)) {
    throw new WebhookFault('This is no URL. Enter one that begins with https:// and names a host.');
  }
  const url = new URL(text);
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    const to = SCHEMES.has(url.protocol) ? `not to ${url.protocol}` : 'and this begins otherwise.';
    throw new WebhookFault(`Webhooks go to https: or http: URLs, ${to}`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new WebhookFault(
      'The URL has a user or a password in it, which would be shown wherever the URL is. ' +
        'Leave them out, and choose a Basic Auth credential.',
    );
  }
  url.hash = '';
  const address = literalAddress(url.hostname);
  if (address !== null && isRefused(addressKind(address), allowOwnNetwork)) {
    throw new WebhookFault(`${url.hostname} is an address that webhooks do not go to. ${OWN_NETWORK_HELP}`);
  }
  return url;
}

const SECRET_NAME =
  /(?:^|[-_.])(?:token|secret|password|passwd|pwd|auth|authorization|signature|sig|code|(?:api|access|auth)?[-_.]?key|cookie)(?:$|[-_.])|(?:token|secret|apikey)$/i;

const NAMES_ONLY =
  /^(?:(?:x|access|api|auth|bearer|client|hub|id|refresh|session|shared|user|webhook|token|secret|password|passwd|pwd|authorization|signature|sig|code|key|apikey|cookie|set|proxy)(?:[-_.]|$))+$/i;

/** A name that is all usual words, and else what it is: a text that ends like such a name may be a secret itself. */
const shownName = (name: string, otherwise: string): string =>
  NAMES_ONLY.test(name) ? `${otherwise === 'A header' ? 'The header ' : ''}"${name}"` : otherwise;

/** Of an endpoint, whose URL and headers stand in a row of the ledger. @throws WebhookFault */
export function checkedEndpoint(
  url: string,
  headers: Readonly<Record<string, string>>,
  request: { readonly allowOwnNetwork: boolean },
): URL {
  const checked = checkedUrl(url, request);
  const inQuery = [...checked.searchParams.keys()].find((name) => SECRET_NAME.test(name));
  if (inQuery !== undefined) {
    throw new WebhookFault(
      `${shownName(inQuery, 'A parameter')} in the URL looks like a secret, and an endpoint's URL is shown. ` +
        'Leave it out, and choose a Query Auth credential that has it.',
    );
  }
  const asHeader = Object.keys(checkedHeaders(headers)).find((name) => SECRET_NAME.test(name));
  if (asHeader !== undefined) {
    throw new WebhookFault(
      `${shownName(asHeader, 'A header')} looks like a secret, and an endpoint's headers are shown. ` +
        'Leave it out, and choose a Header Auth credential that has it.',
    );
  }
  return checked;
}

/** A slow receiver holds up no other. The port as it is used. */
export const laneOf = (url: URL): string =>
  `host:${url.hostname.replace(/\.$/, '')}:${url.port || (url.protocol === 'https:' ? '443' : '80')}`;

const MOST_PART = 60;
/** Letters and digits, or more digits than the number of a row has. */
const TOKEN = /^(?=.*\d)(?=.*[A-Za-z])[\w~.=-]{16,}$|\d{20}/;
/** What stands between tokens and other texts, as in `bot123:TOKEN`. */
const BETWEEN = /[^\w~.=-]+/;
const MOST_SHOWN = 500;

/** A token may have what else is between them in it, too. */
function isHidden(part: string): boolean {
  const pieces = unescaped(part).split(BETWEEN);
  return part.length > MOST_PART || [...pieces, pieces.join('')].some((text) => TOKEN.test(text));
}

/** Not to be seen in what a receiver answers: what of the URL is not shown either, and headers that are named like a secret. */
export const secretsSent = (url: URL, headers: Readonly<Record<string, string>>): readonly string[] => [
  ...url.pathname.split('/').filter(isHidden).map(unescaped),
  ...[...url.searchParams.keys()].filter(isHidden),
  ...[...url.searchParams]
    .filter(([name, value]) => SECRET_NAME.test(name) || value.length >= LEAST_VALUE)
    .map(([, value]) => value),
  ...Object.entries(headers)
    .filter(([name]) => SECRET_NAME.test(name))
    .map(([, value]) => value),
];

/** Of the query, whatever its name: shorter ones are words of every answer. */
const LEAST_VALUE = 8;

function unescaped(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** For people, and for the search. */
export function shownUrl(url: URL): string {
  const path = url.pathname
    .split('/')
    .map((part) => (isHidden(part) ? `${part.slice(0, 4)}…` : part))
    .join('/');
  const query = [...url.searchParams].map(shownParameter).join('&');
  return `${url.origin}${path}${query && `?${query}`}`.slice(0, MOST_SHOWN);
}

/** The same of one as it is stored. @returns '': it is none */
export const shownAddress = (url: string): string => (URL.canParse(url) ? shownUrl(new URL(url)) : '');

/** A token may stand where a name is expected (`?TOKEN`). */
function shownParameter([name, value]: readonly [name: string, value: string]): string {
  if (!isHidden(name)) return `${name}=…`;
  return value === '' ? '…' : '…=…';
}

/** What the request itself says, or what would change where its end is. */
const OURS: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'content-type', 'transfer-encoding', 'connection', 'keep-alive', 'upgrade'],
  ...['te', 'trailer', 'expect', 'proxy-connection', 'proxy-authorization'],
  ...['webhook-id', 'webhook-timestamp', 'webhook-signature'],
]);

/** @returns by lower-case name @throws WebhookFault */
export function checkedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const checked: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.trim().toLowerCase();
    if (OURS.has(lower))
      throw new WebhookFault(`The header "${lower}" is set by the webhook itself. Leave it out.`);
    const cannotBeSent = (which: string): WebhookFault =>
      new WebhookFault(
        `${which} cannot be sent: a name has letters, digits and hyphens, a value is one line of Latin text.`,
      );
    try {
      validateHeaderName(lower);
    } catch {
      throw cannotBeSent('A header');
    }
    try {
      validateHeaderValue(lower, value);
    } catch {
      throw cannotBeSent(`The header "${lower}"`);
    }
    checked[lower] = value;
  }
  return checked;
}
