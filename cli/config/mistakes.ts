// What is wrong with a configuration, in plain words, each with its place.
// Invariant: no value of it stands there: only names of keys, and what was expected.
import type { z } from 'zod/v4';

export interface WrongPlace {
  readonly path: readonly PropertyKey[];
  /** To go after the place: `must be a number`. */
  readonly what: string;
  /** Of what stands at the place, this key is meant. */
  readonly key?: string;
}

type Issue = z.core.$ZodIssue;

export const wrongPlaces = (issues: readonly Issue[], input: unknown): readonly WrongPlace[] =>
  issues.map((issue) => {
    const { path } = issue;
    if (issue.code === 'unrecognized_keys')
      return { path, what: what(issue, undefined), key: issue.keys[0]! };
    // A key that is no name may be anything.
    if (issue.code === 'invalid_key')
      return {
        path: path.slice(0, -1),
        what: `has a name that ${what(issue, undefined)}`,
        key: String(path.at(-1)),
      };
    return { path, what: what(issue, at(input, path)) };
  });

/** `jobs.orders.to.webhook.url`; keys that are no words in quotes, and what can be no name not at all: it may be anything. */
export const shownPath = (path: readonly PropertyKey[]): string =>
  path
    .map((key, index) => {
      if (typeof key === 'number') return `[${key + 1}]`;
      const text = String(key).slice(0, 60);
      const shown = /^[$\w@+-]+$/.test(text)
        ? text
        : /^[\p{L}\p{N}._@+-]+$/u.test(text)
          ? JSON.stringify(text)
          : '"…"';
      return index === 0 ? shown : `.${shown}`;
    })
    .join('');

const EXPECTED: Readonly<Record<string, string>> = {
  ...{ string: 'a text', number: 'a number', int: 'a whole number', boolean: 'true or false' },
  ...{
    object: 'a list of keys and values',
    record: 'a list of names, each with its settings',
    array: 'a list',
  },
};

function what(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      if (found === undefined) return 'is missing';
      if (found === null) return `is empty: ${EXPECTED[issue.expected] ?? 'something'} is expected`;
      return own(issue) ?? `must be ${EXPECTED[issue.expected] ?? 'something else'}, and is ${kindOf(found)}`;
    case 'too_small':
      return own(issue) ?? `must be at least ${bound(issue.minimum, issue.origin)}`;
    case 'too_big':
      return own(issue) ?? `must be at most ${bound(issue.maximum, issue.origin)}`;
    case 'invalid_value':
      return found === undefined ? 'is missing' : `must be one of: ${issue.values.map(String).join(', ')}`;
    case 'invalid_union':
      return found === undefined
        ? 'is missing'
        : `${own(issue) ?? 'is none of what is allowed here'}${inside(issue, found)}`;
    case 'invalid_key':
      return own(issue.issues[0]) ?? 'is no name';
    default:
      return own(issue) ?? 'cannot be used';
  }
}

/** Of what it is most likely meant to be: where an object was written, what is wrong in it. */
function inside({ errors }: Extract<Issue, { code: 'invalid_union' }>, found: unknown): string {
  const all = errors.flat();
  const deeper = all.find(isNear) ?? all.find(({ path }) => path.length > 0) ?? all.find(isStrange);
  if (!deeper) return '';
  const where = deeper.path.length > 0 ? `${shownPath(deeper.path)} ` : 'it ';
  return `; ${where}${what(deeper, at(found, deeper.path))}`;
}

const isStrange = ({ code }: { readonly code?: string | undefined }): boolean => code === 'unrecognized_keys';

/** A key that is all but right tells what was meant. */
const isNear = (issue: { readonly code?: string | undefined; readonly message: string }): boolean =>
  isStrange(issue) && issue.message.includes(' meant?');

/** Ours; those of zod speak of "input", and are English of their own. */
const own = (issue: { readonly message?: string } | undefined): string | undefined =>
  issue?.message && !/^(Invalid|Too (big|small)|Unrecognized|Expected)\b/.test(issue.message)
    ? issue.message
    : undefined;

const bound = (limit: number | bigint, origin: string): string =>
  origin === 'array' ? `${limit} of them` : origin === 'string' ? `${limit} characters` : String(limit);

function kindOf(found: unknown): string {
  if (Array.isArray(found)) return 'a list';
  if (typeof found === 'object') return 'a list of keys and values';
  return typeof found === 'string' ? 'a text' : typeof found === 'number' ? 'a number' : 'true or false';
}

export function at(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return value;
}
