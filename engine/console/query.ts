// Reads what is asked in an address, strictly: what is not understood is refused in words, and never passed over, for a filter
// that lets through more than was meant does harm.
import { askableText } from '../ledger/askable';
import { Refusal } from './refusal';

/** The parameters of an address by name; what is empty is left out. */
export type Asked<Name extends string> = Readonly<Partial<Record<Name, string>>>;

/** @param names those that there are @throws Refusal */
export function asked<Name extends string>(query: URLSearchParams, names: readonly Name[]): Asked<Name> {
  const found: Partial<Record<Name, string>> = {};
  for (const [given, value] of query) {
    const name = names.find((known) => known === given);
    if (name === undefined) throw unknown(given, names);
    if (found[name] !== undefined) throw new Refusal(400, `"${name}" is given twice.`);
    found[name] = value;
  }
  return withoutEmpty(found);
}

/** The same, of JSON. @throws Refusal */
export function askedOf<Name extends string>(
  given: Readonly<Record<string, unknown>>,
  names: readonly Name[],
): Asked<Name> {
  const pairs = Object.entries(given).map(([name, value]): [string, string] => {
    if (typeof value === 'string') return [name, value];
    throw new Refusal(400, `"${shown(name)}" has to be text, as in an address.`);
  });
  return asked(new URLSearchParams(pairs), names);
}

function withoutEmpty<Name extends string>(found: Asked<Name>): Asked<Name> {
  return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== '')) as Asked<Name>;
}

function unknown(given: string, names: readonly string[]): Refusal {
  if (/token|auth|key|pass/i.test(given)) {
    return new Refusal(
      400,
      'A token goes into the header "Authorization: Bearer …", never into an address: those are in logs.',
    );
  }
  const known = names.length === 0 ? 'There is nothing to ask for here.' : `There are ${names.join(', ')}.`;
  return new Refusal(400, `"${shown(given)}" is not known here. ${known}`);
}

/** A whole number. @throws Refusal */
export function numberIn(
  value: string,
  name: string,
  { least, most }: { readonly least: number; readonly most: number },
): number {
  const number = /^\d{1,16}$/.test(value) ? Number(value) : NaN;
  if (number >= least && number <= most) return number;
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least} on` : `from ${least} to ${most}`;
  throw new Refusal(400, `"${name}" has to be a whole number ${range}, and is "${shown(value)}".`);
}

const TIME = /^\d{4}-\d\d-\d\d(T\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d))?$/;

/** ISO 8601; a day is its beginning in UTC. @returns ms since 1970 @throws Refusal */
export function timeIn(value: string, name: string): number {
  const at = TIME.test(value) && isDay(value.slice(0, 10)) ? Date.parse(value) : NaN;
  if (!Number.isNaN(at)) return at;
  throw new Refusal(
    400,
    `"${name}" has to be a time such as 2026-01-31T08:00:00Z, and is "${shown(value)}".`,
  );
}

/** `Date.parse` takes February 31 for March 3. */
function isDay(day: string): boolean {
  const at = Date.parse(day);
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(day);
}

/** @throws Refusal, LedgerFault `asked` */
export function textIn(value: string, name: string, most: number): string {
  if (value.length > most) throw new Refusal(400, `"${name}" is longer than ${most} characters.`);
  return askableText(value, name);
}

/** Of what is given, as much as tells which it is. What has no text of its own is not made one. */
export const shown = (given: unknown): string =>
  typeof given === 'string' || typeof given === 'number' ? String(given).slice(0, 60) : typeof given;

export const oneOf = <Value extends string>(value: string, name: string, values: readonly Value[]): Value => {
  const known = values.find((one) => one === value);
  if (known !== undefined) return known;
  throw new Refusal(400, `"${shown(value)}" is no "${name}". There are ${values.join(', ')}.`);
};
