// Lets go of entries by their age, which their ids do not tell.
import type { RedisClient } from './connection';

const PAGE = 500;

/** From the oldest on, up to the first that is not older. @param before ms since 1970 */
export async function trimByAge(client: RedisClient, stream: string, before: number): Promise<void> {
  for (;;) {
    const entries = await client.xrange(stream, '-', '+', 'COUNT', PAGE);
    const kept = entries.find(([, fields]) => !isOlder(fields, before));
    // The newest stays in any case.
    const first = (kept ?? entries.at(-1))?.[0];
    if (first === undefined || first === entries[0]![0]) return;
    await client.xtrim(stream, 'MINID', first);
    if (kept) return;
  }
}

function isOlder(fields: readonly string[], before: number): boolean {
  const at = fields.indexOf('time');
  const time = at % 2 === 0 ? Date.parse(fields[at + 1] ?? '') : Number.NaN;
  return time < before;
}
