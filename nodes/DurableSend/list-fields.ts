// Fields that hold a list, as an expression gives them: addresses (texts, nodemailer's `{ address, name }`, or a whole field of an
// email, as the triggers hand it out in the format "resolved"), and Message-IDs. They become what a person would have entered.
// Invariant: each address in it stands in the text as one of its own, or it is an error; no object becomes text as its JSON.
import { asOneLine, DraftFault } from '../../engine/outbox/mail/draft-fault';
import { mailboxesOf } from '../../engine/outbox/mail/nodemailer';
import { mailText } from './settings';

const ADDRESS_HELP =
  'Give the address that is in it, such as {{ $json.email }}. Taken are a text, an object such as { "address": "ann@example.com", ' +
  '"name": "Ann" }, and a list of these.';
const PROBE = 'probe@example.com';

interface Mailbox {
  readonly address: string;
  readonly name: unknown;
}

/** @returns '': none @throws DraftFault */
export async function addressText(field: string, value: unknown): Promise<string> {
  // A text is taken as it stands: what is wrong in it is said where it is read.
  if (!isObject(value)) return mailText(value);
  const parts = await Promise.all(addressesIn(field, value).map((one) => partOf(field, one)));
  return parts.join(', ');
}

function addressesIn(field: string, value: unknown, isInside = false): readonly (string | Mailbox)[] {
  if (Array.isArray(value)) return value.flatMap((one) => addressesIn(field, one, true));
  if (!isObject(value)) return mailText(value).trim() === '' ? [] : [mailText(value)];
  const { address, name, group, value: inside } = value as Readonly<Record<string, unknown>>;
  // mailparser has a group as one of the addresses, and several fields of one name as a list.
  if (Array.isArray(group)) return addressesIn(field, group, true);
  if (typeof address === 'string' && !isObject(name)) return [{ address: address.trim(), name }];
  if (isObject(inside)) return addressesIn(field, inside, true);
  throw new DraftFault(`"${field}" ${isInside ? 'holds' : 'is'} an object, and no text. ${ADDRESS_HELP}`);
}

/** @throws DraftFault: it is no address, or would not end where it ends */
async function partOf(field: string, given: string | Mailbox): Promise<string> {
  if (typeof given !== 'string') return mailboxText(field, given);
  // An open quote would take in the next of the list, as a part of its own name.
  const [alone, before] = await Promise.all([mailboxesOf(given), mailboxesOf(`${given}, ${PROBE}`)]);
  if (before.length === alone.length + 1 && before.at(-1)!.address === PROBE) return given;
  throw new DraftFault(
    `"${field}" is a list in which one does not end: a quote, or a bracket, is open in ${given}.`,
  );
}

async function mailboxText(field: string, { address, name }: Mailbox): Promise<string> {
  const said = asOneLine(mailText(name)).replace(/["\\]/g, '\\$&');
  const text = said === '' ? `<${address}>` : `"${said}" <${address}>`;
  const read = await mailboxesOf(text);
  if (read.length === 1 && read[0]!.address === address && address !== '') return text;
  throw new DraftFault(`"${field}" holds what is no address: ${address || mailText(name) || '""'}.`);
}

/** Of Message-IDs, with a space between. @throws DraftFault */
export function idsText(field: string, value: unknown): string {
  const all: unknown[] = Array.isArray(value) ? value : [value];
  if (all.some(isObject))
    throw new DraftFault(
      `"${field}" ${Array.isArray(value) ? 'holds' : 'is'} an object, and no text. Give Message-IDs, such as {{ $json.messageId }}: a text, or a list of texts.`,
    );
  return all.map(mailText).join(' ');
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null;
