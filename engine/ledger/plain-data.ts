// Data of a workflow's own as JSON, as far as every database keeps it alike.
// Invariant: what JSON does not hold is refused in words, and never left out or made something else; but for a member of an
// object that is undefined, which is as good as none.
import { MOST_JSON_LEVELS } from '../runtime/json-levels';
import { askableText } from './askable';
import { LedgerFault } from './fault';

/** What is within takes an octet of JSON or more: so nothing that may be kept has more. */
type Budget = { parts: number };

/** @param what it is called, where it is told @param most octets of JSON @returns the same as JSON holds it @throws LedgerFault `asked` */
export function plainData(data: unknown, what: string, most: number): unknown {
  const plain = plainOf(data, what, 0, new Set(), { parts: most });
  const size = Buffer.byteLength(JSON.stringify(plain));
  if (size > most) throw refused(what, `is ${size} octets of JSON; ${most} are the most`);
  return plain;
}

function plainOf(
  given: unknown,
  what: string,
  level: number,
  around: ReadonlySet<unknown>,
  budget: Budget,
): unknown {
  if (--budget.parts < 0) throw refused(what, 'is more JSON than can be kept with an email');
  const value = asItSays(given, what);
  if (typeof value === 'string') return askableText(value, what);
  if (value === null || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw unheld(what, String(value));
  }
  if (typeof value !== 'object') throw unheld(what, typeof value);
  if (around.has(value)) throw refused(what, 'has a part that it is in itself: JSON cannot hold that');
  if (level >= MOST_JSON_LEVELS)
    throw refused(what, `has more than ${MOST_JSON_LEVELS} levels, one within another`);
  const within = new Set([...around, value]);
  const plain = (one: unknown): unknown => plainOf(one, what, level + 1, within, budget);
  if (Array.isArray(value)) return listed(value, plain);
  // Of a Map, an error or bytes JSON would make an object without anything, or of something else.
  const kind = Object.prototype.toString.call(value).slice('[object '.length, -1);
  if (kind !== 'Object') throw unheld(what, kind);
  const members = Object.entries(value).filter(([, one]) => one !== undefined);
  return Object.fromEntries(members.map(([name, one]) => [askableText(name, what), plain(one)]));
}

/** Also where there is nothing: a list may say that it is as long as it likes. */
function listed(list: readonly unknown[], plain: (one: unknown) => unknown): unknown[] {
  const all: unknown[] = [];
  for (let at = 0; at < list.length; at++) all.push(plain(list[at]));
  return all;
}

/** A time, and whatever else says by itself what it is in JSON. */
function asItSays(value: unknown, what: string): unknown {
  if (typeof value !== 'object' || value === null || !('toJSON' in value)) return value;
  const { toJSON } = value;
  if (typeof toJSON !== 'function') return value;
  try {
    return (toJSON as (this: object) => unknown).call(value);
  } catch {
    throw refused(what, 'has a part that cannot be made JSON');
  }
}

const unheld = (what: string, kind: string): LedgerFault =>
  refused(what, `has something that JSON does not hold: ${kind}`);

const refused = (what: string, why: string): LedgerFault => new LedgerFault('asked', `"${what}" ${why}.`);
