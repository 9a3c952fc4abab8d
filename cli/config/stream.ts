// Where a job's mails go into a Redis stream, for a group of consumers that shares them.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import { known, mustBe, type Zod } from './words';

/** A look at a stream handles as many entries as there may be in it, and Redis has them in memory. */
const MOST_INLINE_BYTES = 1024 * 1024;
const DEFAULT_INLINE_BYTES = 16 * 1024;

export function streamSchema(zod: Zod) {
  const name = zod
    .string()
    .regex(/^[\w.:{}-]{1,200}$/, mustBe('a name of letters, digits and . _ - : { }, 200 at most'));
  return known(zod, {
    name: name.describe('Of the stream, as Redis knows it'),
    group: name.default('workers').describe('Of its consumers'),
    content: zod
      .union(
        [
          zod.enum(['reference', 'none']),
          known(zod, { inlineUpToBytes: zod.number().int().min(1).max(MOST_INLINE_BYTES) }),
        ],
        mustBe(`reference, none, or { inlineUpToBytes: 16384 }, at most ${MOST_INLINE_BYTES}`),
      )
      .default({ inlineUpToBytes: DEFAULT_INLINE_BYTES }),
    mostUnsettled: zod
      .number()
      .int()
      .min(1)
      .max(10_000)
      .default(1_000)
      .describe('Mails that are in the stream at once; the others wait in the ledger'),
    mostDeliveries: zod
      .number()
      .int()
      .min(1)
      .max(100)
      .default(5)
      .describe('So often a mail is claimed from consumers that died, before that is a failed try'),
    mostHeldMinutes: zod
      .number()
      .min(0.1)
      .max(7 * 1_440)
      .default(15)
      .describe('A mail that a consumer holds for longer is taken back, as a failed try'),
  });
}

export type Stream = z.output<ReturnType<typeof streamSchema>>;
