// The schema of the configuration: the one file that imports zod, and only when a configuration is read.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import { accountSchema } from './account';
import { jobSchema, jobShape } from './job';
import { type Origin, secretSchema } from './secret';
import { HOST, HOST_IS, isPlainUrl, known, mustBe, NAME, NAMED, oneOf, type Zod } from './words';

const PUBLIC_URL = 'the URL under which receivers reach it, such as https://mail.example.com';
/** A table's or a channel's, as PostgreSQL takes it without quotes. */
const IDENTIFIER = String.raw`[A-Za-z_][\w$]{0,62}`;

export async function loadZod(): Promise<Zod> {
  return (await import('zod/v4')).z;
}

/** Made once: it takes a moment, and is read with again and again. */
let made:
  | Promise<{ readonly config: ReturnType<typeof configSchema>; readonly row: ReturnType<typeof rowSchema> }>
  | undefined;

export const schemas = (): NonNullable<typeof made> =>
  (made ??= loadZod().then((zod) => ({ config: configSchema(zod), row: rowSchema(zod) })));

export function configSchema(zod: Zod) {
  const name = zod.string().regex(NAME, mustBe(NAMED));
  const secret = () => secretSchema(zod, 'file');
  return known(zod, {
    $schema: zod.string().optional(),
    accounts: zod.record(name, accountSchema(zod, 'file')).default({}),
    accountsFrom: known(zod, { postgres: tableSchema(zod) }).optional(),
    jobs: zod.record(name, jobSchema(zod, 'file')).default({}),
    forN8n: zod
      .union([zod.boolean(), zod.array(name).min(1)], mustBe('true, or a list of names of accounts'))
      .optional()
      .describe('Collects for the mail triggers of n8n that leave it to a collector: true, all accounts'),
    http: known(zod, {
      port: zod.number().int().min(0).max(65_535).optional(),
      host: zod.string().regex(HOST, mustBe(HOST_IS)).default('127.0.0.1'),
      publicUrl: zod
        .string()
        .regex(/^https?:\/\/[^\s?#@]+$/, mustBe(PUBLIC_URL))
        .refine(isPlainUrl, mustBe(PUBLIC_URL))
        .optional(),
      tokens: known(zod, { read: secret(), operate: secret().optional() })
        .optional()
        .describe('Whoever shows the first may look, and fetch contents; the second one may also act'),
    }).optional(),
    redis: known(zod, { url: secret() }).optional(),
  });
}

function tableSchema(zod: Zod) {
  const table = new RegExp(`^${IDENTIFIER}([.]${IDENTIFIER})?$`);
  return known(zod, {
    url: secretSchema(zod, 'file'),
    table: zod
      .string()
      .regex(table, mustBe('the name of a table or view, perhaps with its schema: mail.accounts'))
      .optional(),
    query: zod
      .string()
      .min(1)
      .optional()
      .describe('Instead of a table: it gives the same columns, and only reads'),
    listen: zod
      .string()
      .regex(new RegExp(`^${IDENTIFIER}$`), mustBe('the name of a channel'))
      .optional()
      .describe('NOTIFY on this channel: it is read again at once'),
  }).refine(oneOf('table', 'query'), { error: 'must have a table or a query, and not both' });
}

/** A row of the table, as far as people write it. */
function rowSchema(zod: Zod, origin: Origin = 'table') {
  return known(zod, {
    name: zod.string().regex(NAME, mustBe(NAMED)),
    account: accountSchema(zod, origin),
    job: known(zod, jobShape(zod, origin)).nullish(),
    enabled: zod.boolean().nullish(),
  });
}

export type Config = z.output<ReturnType<typeof configSchema>>;
export type Row = z.output<ReturnType<typeof rowSchema>>;
