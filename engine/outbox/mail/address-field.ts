// Who stands in an address field, as a person or an expression has filled it in.
// Invariant: whatever looks like an address in it, outside of quotes, is one that the mail goes to, or the name before one; else the
// field is an error. Nobody is left out because he was written wrongly.
import { CONTROLS, DraftFault, ofOneLine } from './draft-fault';
import { type Mailbox, mailboxesOf } from './nodemailer';

/** Of RFC 5321 as far as it matters here: nothing that would end the command it stands in. */
const isAddress = (address: string): boolean =>
  /^[^\s<>@]+@[^\s<>@]+$/.test(address) && !CONTROLS.test(address);

/** @throws DraftFault */
export async function mailboxes(name: string, field = ''): Promise<readonly Mailbox[]> {
  const found = await mailboxesOf(ofOneLine(name, field));
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

export function theOne(from: readonly Mailbox[], field: string): Mailbox {
  if (from.length === 1) return from[0]!;
  throw new DraftFault(`"From" is not one address: "${field}". It looks like Ann <ann@example.com>.`);
}
