// Where a job's mails go into a Redis stream.
import type { z } from 'zod/v4';
import { known, type Zod } from './words';

export const streamSchema = (zod: Zod) =>
  known(zod, { name: zod.string().min(1).max(200).describe('Of the stream, as Redis knows it') });

export type Stream = z.output<ReturnType<typeof streamSchema>>;
