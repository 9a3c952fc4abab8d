// Where a job's mails go into a Redis stream.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import { known, type Zod } from './words';

export const streamSchema = (zod: Zod) =>
  known(zod, { name: zod.string().min(1).max(200).describe('Of the stream, as Redis knows it') });
