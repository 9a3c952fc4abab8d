// A short memory in front of the ledger's `unrecorded`: what the ledger said is recorded need not be asked again for some minutes.
// Invariants: it is never the truth. It claims only what this very ledger answered, from what was committed, within the time;
// what it does not know, or cannot say soon, the ledger is asked; that a mail is new only the ledger says.
// It does not know that a ledger was put back to an earlier state: docs/redis.md says what to do then.
import { createHash } from 'node:crypto';
import type { Candidate, Recording } from '../ledger/recording';
import type { RedisConnection } from './connection';
import type { Keys } from './keys';

export interface SeenMarks {
  /** Which of these names are marked; on any doubt, none. Never rejects. */
  marked(names: readonly string[]): Promise<ReadonlySet<string>>;
  /** Never waits, never throws. */
  mark(names: readonly string[]): void;
}

/** The same ledger, asked less. */
export function withSeenCache<Ledger extends Pick<Recording, 'unrecorded'>>(
  ledger: Ledger,
  marks: SeenMarks,
): Ledger {
  const unrecorded: Recording['unrecorded'] = async (candidates) => {
    const named = candidates.map((candidate) => ({
      candidate,
      due: candidate.due.map((id) => ({ id, name: nameOf(id, candidate) })),
    }));
    const marked = await marks.marked(named.flatMap(({ due }) => due.map(({ name }) => name)));
    const left = named.map(({ candidate, due }) => ({
      ...candidate,
      due: due.filter(({ name }) => !marked.has(name)).map(({ id }) => id),
    }));
    if (left.every(({ due }) => due.length === 0)) return left;
    const answer = await ledger.unrecorded(left);
    marks.mark(
      left.flatMap((asked, index) => {
        const news = new Set(answer[index]!.due);
        return asked.due.filter((id) => !news.has(id)).map((id) => nameOf(id, asked));
      }),
    );
    return answer;
  };
  return { ...ledger, unrecorded };
}

/** All that the ledger's answer depends on: nothing of a mail can be read in it. */
function nameOf(subscription: number, candidate: Candidate): string {
  const { identity, softIdentity, accountWide, seemsLike = null } = candidate;
  const said = JSON.stringify([identity, softIdentity, accountWide, seemsLike]);
  return `${subscription}:${createHash('sha256').update(said).digest('base64url')}`;
}

/** Marks in Redis, for so long. */
export function redisMarks(
  connection: Pick<RedisConnection, 'client' | 'isReady'>,
  keys: Keys,
  keepMs: number,
): SeenMarks {
  const key = (name: string): string => keys(`seen:${name}`);
  // What another program put there by chance is no mark.
  const value = keys('seen');
  return {
    marked: async (names) => {
      if (names.length === 0 || !connection.isReady) return new Set();
      const values = await connection.client.mget(names.map(key)).catch(() => []);
      return new Set(names.filter((_, index) => values[index] === value));
    },
    mark: (names) => {
      if (names.length === 0 || !connection.isReady) return;
      const sent = connection.client.pipeline();
      for (const name of names) sent.set(key(name), value, 'PX', keepMs);
      sent.exec().catch(() => undefined);
    },
  };
}
