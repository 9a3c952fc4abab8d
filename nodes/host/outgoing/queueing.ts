// The entries of one call of a node (engine/ledger/outbox.ts): those that are there already, from an earlier try of the run, and new
// ones of what is not.
// Invariants: what is there is not made again, so that a retry is handed out what was sent, and not what would be sent now; what
// cannot be made ends the call before anything of its group is queued; what is in memory at a time is bounded.
import type { Entry, NewEntry, Outbox } from '../../../engine/ledger/outbox';

/** One item that is to be sent. */
export interface Wish {
  readonly of: {
    readonly key: string;
    /** The key instead, where what has `key` was queued before that time, ms since 1970. */
    readonly anew: { readonly key: string; readonly before: number } | null;
  };
  /** Makes what goes out, under this key. Rejects with what a person has to put right. */
  make(key: string): Promise<NewEntry>;
}

export interface Queued {
  readonly entry: Entry;
  /** It was there before: an earlier try of the run, or an item before this one, has queued it. */
  readonly repeated: boolean;
}

/** What one item came to. */
export type Asked = Queued | { readonly error: Error };

/** So much content is made before it is stored, in octets. */
const GROUP_BYTES = 16 * 1024 * 1024;
const MOST_IN_GROUP = 100;
/** Keys are asked for so many at a time. */
const MOST_KEYS = 500;

/**
 * @param wishes one for each item; an Error: it has no key
 * @param goesOn whether what cannot be made is an answer, and the others are queued all the same; else it is thrown
 * @returns for each wish, in their order
 */
export async function queueAll(
  ledger: Pick<Outbox, 'enqueue' | 'entriesOf'>,
  wishes: readonly (Wish | Error)[],
  goesOn: boolean,
): Promise<readonly Asked[]> {
  const { found, keyOf } = await known(ledger, wishes.filter(isWish));
  const fresh = new Set<string>();
  const faults = new Map<Wish, Error>();
  let group: NewEntry[] = [];
  let bytes = 0;
  const store = async (): Promise<void> => {
    if (group.length === 0) return;
    for (const entry of await ledger.enqueue(group)) found.set(entry.key, entry);
    group = [];
    bytes = 0;
  };
  for (const wish of wishes) {
    if (!isWish(wish)) {
      if (!goesOn) throw wish;
      continue;
    }
    const key = keyOf(wish);
    if (found.has(key) || fresh.has(key)) continue;
    const made = await (goesOn ? wish.make(key).catch((error: unknown) => error as Error) : wish.make(key));
    if (made instanceof Error) {
      faults.set(wish, made);
      continue;
    }
    fresh.add(key);
    group.push(made);
    bytes += made.content.length;
    if (bytes >= GROUP_BYTES || group.length >= MOST_IN_GROUP) await store();
  }
  await store();
  return wishes.map((wish) => {
    if (!isWish(wish)) return { error: wish };
    const entry = found.get(keyOf(wish));
    if (!entry) return { error: faults.get(wish)! };
    return { entry, repeated: !fresh.delete(entry.key) };
  });
}

interface Known {
  /** What is there, by its key. */
  readonly found: Map<string, Entry>;
  readonly keyOf: (wish: Wish) => string;
}

/** What is there already, and under which key each is to be found. */
async function known(ledger: Pick<Outbox, 'entriesOf'>, wishes: readonly Wish[]): Promise<Known> {
  const found = await entriesByKey(ledger, [...new Set(wishes.map(({ of: { key } }) => key))]);
  const keyOf = ({ of: { key, anew } }: Wish): string =>
    anew && (found.get(key)?.queuedAt ?? Infinity) < anew.before ? anew.key : key;
  const others = wishes.filter((wish) => keyOf(wish) !== wish.of.key).map(keyOf);
  for (const [key, entry] of await entriesByKey(ledger, [...new Set(others)])) found.set(key, entry);
  return { found, keyOf };
}

const isWish = (wish: Wish | Error): wish is Wish => !(wish instanceof Error);

async function entriesByKey(
  ledger: Pick<Outbox, 'entriesOf'>,
  keys: readonly string[],
): Promise<Map<string, Entry>> {
  const found = new Map<string, Entry>();
  for (let start = 0; start < keys.length; start += MOST_KEYS)
    for (const entry of await ledger.entriesOf({ keys: keys.slice(start, start + MOST_KEYS) }))
      found.set(entry.key, entry);
  return found;
}
