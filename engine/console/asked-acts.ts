// What every act is asked for with, whatever it is on: ids, or a filter and how many the person was told that it finds.
import { eventIdOf } from '../ledger/askable';
import { isObject } from './body';
import { shown } from './query';
import { MOST_COUNTED } from './paging';
import { Refusal } from './refusal';

type Body = Readonly<Record<string, unknown>>;

const MOST_IDS = 200;

export const asksForAll = (body: Body): body is Body & { readonly filter: Body } =>
  body['ids'] === undefined && isObject(body['filter']);

/** @param what they are, one and many, for people @throws Refusal */
export function idsIn(given: unknown, [one, many]: readonly [one: string, many: string]): readonly string[] {
  const ids = Array.isArray(given) ? (given as readonly unknown[]) : [];
  if (ids.length === 0 || ids.length > MOST_IDS) {
    throw new Refusal(400, `"ids" has to be a list of 1 to ${MOST_IDS} ids of ${many}.`);
  }
  const read = ids.map((id) => {
    const known = typeof id === 'string' ? eventIdOf(id) : null;
    if (known !== null) return known;
    throw new Refusal(400, `"${shown(id)}" is no id of ${one}.`);
  });
  return [...new Set(read)];
}

/** @param address where it is told @throws Refusal */
export function toldIn(told: unknown, address: string): number {
  if (typeof told === 'number' && Number.isInteger(told) && told >= 0) return told;
  throw new Refusal(400, `"count" has to be how many ${address} has told for this filter.`);
}

/** @param what they are, for people @throws Refusal */
export function refuseIfMore(found: number, told: number, what: string): void {
  if (told >= MOST_COUNTED || found <= most(told)) return;
  throw new Refusal(
    409,
    `The filter finds ${found} ${what} by now, and you were told of ${told}. Look again.`,
  );
}

/** More go on coming while a person reads how many there are. */
const most = (told: number): number => told + Math.max(20, Math.ceil(told / 10));

/** @throws Refusal */
export function only(more: Body): void {
  const [name] = Object.keys(more);
  if (name !== undefined) throw new Refusal(400, `"${shown(name)}" is not known here.`);
}
