// Where a job's mails go into a Redis stream, for a group of consumers that shares them.
// Invariant: one stream has one group, and one limit of each kind; of the content each job may say its own.
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

/** Two that are written so are one stream. */
export const streamPrint = (stream: Stream): string => JSON.stringify({ ...stream, content: null });

/** What jobs say of the streams that they go to. */
export class KnownStreams {
  readonly #known = new Map<string, { readonly job: string; readonly print: string }>();

  /** @returns the job that has said something else of the stream before; null: none has, and what this one says counts */
  otherThan(job: string, stream: Stream | undefined): string | null {
    if (!stream) return null;
    const print = streamPrint(stream);
    const known = this.#known.get(stream.name);
    if (!known) this.#known.set(stream.name, { job, print });
    return known && known.print !== print ? known.job : null;
  }
}

/** To go after the place of a job's stream. */
export const inTwoWays = (other: string): string =>
  `goes to the same stream as the job ${other}, and says something else of it: write the same in both`;
