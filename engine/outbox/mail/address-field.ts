// Who stands in an address field, as a person or an expression has filled it in.
// Invariant: whatever looks like an address in it, outside of quotes, is one that the mail goes to, or the name before one; else the
// field is an error. Nobody is left out because he was written wrongly.
import { domainToASCII } from 'node:url';
import { aText, CONTROLS, DraftFault, ofOneLine } from './draft-fault';
import { type Mailbox, mailboxesOf } from './nodemailer';

/** Of RFC 5321 as far as it matters here: nothing that would end the command it stands in, and no domain that is left of JSON. */
const isAddress = (address: string): boolean =>
  /^[^\s<>@]+@(?:\[[^\s<>@[\]]*\]|[^\s<>@[\](){}",;:\\]+)$/.test(address) && !CONTROLS.test(address);

/** @throws DraftFault */
export async function mailboxes(name: string, entered = ''): Promise<readonly Mailbox[]> {
  const field = listOf(name, entered);
  const found = await mailboxesOf(field);
  for (const { address, name: said } of found)
    if (!isAddress(address))
      throw new DraftFault(`"${name}" holds what is no address: ${address || said || field}.`);
  const read = new Set(found.map(({ address }) => address.toLowerCase()));
  const lost = written(field).find((address) => !read.has(address.toLowerCase()));
  if (lost !== undefined)
    throw new DraftFault(
      `A comma is missing in "${name}", before or after ${lost}. If it is a part of a name, put that name in quotes.`,
    );
  return found;
}

/** Lists come over several lines, or with one at their end; a line that begins as a header field does is none of a list. */
function listOf(name: string, entered: string): string {
  const isHeader = /[\r\n\t] *[!-9;-~]+ *:/.test(aText(name, entered));
  return ofOneLine(name, isHeader ? entered : entered.replace(/[\r\n\t]+/g, ' '));
}

/** One that is not closed reaches to the end, and hides nothing. */
const QUOTED = /"(?:[^"\\]|\\.)*("?)/g;
/** From the beginning of a run, so that a long one is read once. */
const WORD = String.raw`(?<![^\s<>@,;:()"])[^\s<>@,;:()"]+@(?:\[[^\]\s]*\]|[^\s<>@,;:()"]+)`;
/** `ann@example.com <another@example.com>`: the first one is a name. */
const NAME = new RegExp(String.raw`(?<=^|[,;:])\s*${WORD}\s*(?=<)`, 'g');

/** What looks like an address. A name in quotes may. */
const written = (field: string): readonly string[] =>
  field
    .replace(QUOTED, (quoted, end) => (end === '' ? quoted : '""'))
    .replace(NAME, '')
    .match(new RegExp(WORD, 'g')) ?? [];

/** As an envelope has it: its domain in ASCII (IDNA). */
export function inAscii(address: string): string {
  const at = address.lastIndexOf('@');
  const domain = address.slice(at + 1).toLowerCase();
  const ascii = /[^\u0000-\u007f]/.test(domain) ? domainToASCII(domain) : domain;
  return `${address.slice(0, at + 1)}${ascii || domain}`;
}

/** Of an email that was made before, for what is handed on of it: what cannot be read stays as it is. */
export async function senderOf(from: string): Promise<string> {
  const [sender] = await mailboxes('From', from).catch(() => []);
  return sender ? inAscii(sender.address) : from.trim();
}

export function theOne(from: readonly Mailbox[], field: string): Mailbox {
  if (from.length === 1) return from[0]!;
  throw new DraftFault(`"From" is not one address: "${field}". It looks like Ann <ann@example.com>.`);
}
