// How the schema of the configuration speaks: objects that name the nearest known key, and secrets that never stand there.
// Invariant: no message holds a value of the configuration: one of them may be a secret in the wrong place.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';

export type Zod = typeof z;

const MOST_KEY = 40;

/** Of these keys only; the nearest one is named for one that is not known. @param otherwise where there is a value that is no object */
export function known<Shape extends z.ZodRawShape>(zod: Zod, shape: Shape, otherwise?: string) {
  return zod.strictObject(shape, {
    error: ({ code, keys, input }) => {
      if (code === 'unrecognized_keys') return strange(keys, Object.keys(shape));
      return input === undefined ? undefined : otherwise;
    },
  });
}

function strange(keys: readonly string[], names: readonly string[]): string {
  return keys
    .map((key) => {
      const nearest = names.toSorted((a, b) => distance(key, a) - distance(key, b))[0];
      const isNear = nearest !== undefined && distance(key, nearest) <= Math.max(2, nearest.length / 3);
      // Where a colon or a space is missing a key has its value in it.
      const shown =
        isNear && /^[\w$-]+$/.test(key) ? `has "${key.slice(0, MOST_KEY)}", which` : 'has a key that';
      return isNear
        ? `${shown} is not known here: is "${nearest}" meant?`
        : `${shown} is not known here. These are: ${names.join(', ')}`;
    })
    .join('; it ');
}

/** How many letters are to be added, left out or changed (Levenshtein), whatever their case. */
function distance(from: string, to: string): number {
  const [one, other] = [from.slice(0, MOST_KEY).toLowerCase(), to.toLowerCase()];
  let row = Array.from({ length: other.length + 1 }, (_, at) => at);
  for (let at = 1; at <= one.length; at++) {
    const next = [at];
    for (let to = 1; to <= other.length; to++) {
      const changed = row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(changed, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}

/** For a place with a form of its own: what is to stand there. */
export const mustBe = (what: string): { readonly error: string } => ({ error: `must be ${what}` });

/** Exactly one of these keys is there. */
export const oneOf =
  (...keys: readonly string[]) =>
  (value: object): boolean =>
    keys.filter((key) => (value as Readonly<Record<string, unknown>>)[key] !== undefined).length === 1;

/** Of accounts and jobs: they stand in log lines, and a job's in the ledger. */
export const NAME = /^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,99}$/u;
export const NAMED = 'a name: up to 100 letters, digits and . _ @ + -';

/** Of a server: what has a scheme, a user or a path in it is none, and would be shown wherever the server is named. */
export const HOST = /^[\p{L}\p{N}._:%[\]-]{1,255}$/u;
export const HOST_IS = 'the name or the address of a server, without https://, user or path';

/** With a host, and without a user and a password, which would be shown wherever the URL is. */
export function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password, hostname } = new URL(text);
  return ['https:', 'http:'].includes(protocol) && hostname !== '' && username === '' && password === '';
}
