// A secret of the configuration: where it is, never what it is. Read anew each time it is used, so that one that was changed counts
// from then on. A table of accounts is a store of secrets itself, and the database knows who may read it: there one may stand.
// Invariant: what is read stands in no error.
import { readFileSync } from 'node:fs';
import type { z } from 'zod/v4';
import { known, oneOf, type Zod } from './words';

export interface SecretPlace {
  readonly env?: string | undefined;
  readonly file?: string | undefined;
  /** Of a table only. */
  readonly value?: string | undefined;
}

/** Where the words of an account or a job stand. */
export type Origin = 'file' | 'table';

const PLAIN =
  'is a secret, and is not written here, where it would be copied, committed and shown: name where it is, as in ' +
  '{ env: MAIL_PASSWORD } or { file: /run/secrets/mail-password }';
const PLAIN_IN_TABLE =
  'is a secret: write { "value": "…" }, or name where it is: { "env": "…" } or { "file": "…" }';

export function secretSchema(zod: Zod, origin: Origin): z.ZodType<SecretPlace> {
  const shape = {
    env: zod
      .string()
      .regex(/^[A-Za-z_]\w*$/, {
        error: 'must be the name of an environment variable, such as MAIL_PASSWORD',
      })
      .optional(),
    file: zod.string().min(1, { error: 'must be the path of a file' }).optional(),
    ...(origin === 'table' && { value: zod.string().min(1, { error: 'is empty' }).optional() }),
  };
  const keys = Object.keys(shape);
  return known(zod, shape, origin === 'table' ? PLAIN_IN_TABLE : PLAIN).refine(oneOf(...keys), {
    error: `must name exactly one place: ${keys.join(' or ')}`,
  }) as unknown as z.ZodType<SecretPlace>;
}

/** @throws Error that says which place has none */
export function readSecret({ env, file, value }: SecretPlace): string {
  if (value !== undefined) return value;
  const found = env !== undefined ? process.env[env] : readFile(file!);
  if (found) return found;
  throw new Error(
    env !== undefined
      ? `the environment variable ${shown(env, VARIABLE)}is not set`
      : `the file ${shown(file!, PATH)}is empty`,
  );
}

/** @param read of a key of an account @throws Error that names both */
export function named<T>(account: string, key: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new Error(`${key} of the account ${account}: ${(error as Error).message}`, { cause: error });
  }
}

function readFile(file: string): string {
  try {
    return readFileSync(file, 'utf8').replace(/[\r\n]+$/, '');
  } catch (error) {
    const { code = 'it is no file' } = error as NodeJS.ErrnoException;
    throw new Error(`the file ${shown(file, PATH)}cannot be read (${code})`, { cause: error });
  }
}

/** With digits only behind an underscore: keys of capitals and digits are usual secrets. */
const VARIABLE = /^_?[A-Z]{1,30}(?:_[A-Z]{1,30}|_[0-9]{1,4})*$/;
const PATH = /^[.~]?[.]?[\\/]|^[A-Z]:/;

/** Somebody may have written the secret itself where its place belongs. */
const shown = (name: string, usual: RegExp): string =>
  usual.test(name) ? `${name} ` : 'that is named there ';
