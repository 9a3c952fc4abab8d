// Who is to give which sources to whom, so that all who want them have equally many: arithmetic alone.
// Invariants: nothing moves where it is even; each move makes it more even, so that it ends; whoever sees the same comes to the
// same, so that several holders, each doing its own part, need not ask each other.
import type { Share } from '../ledger/members';

/** `from` gives `count` of the sources of a share to `to`. */
export interface Move {
  readonly from: string;
  readonly to: string;
  readonly share: Share;
  readonly count: number;
}

interface Pile {
  readonly holder: string;
  readonly wanters: readonly string[];
  count: number;
  /** As it was told; undefined: it came by moves. */
  readonly share: Share | undefined;
}

interface Step {
  readonly pile: Pile;
  readonly to: string;
}

export function movesOf(shares: readonly Share[]): Move[] {
  const spread = new Spread(shares);
  spread.owed();
  while (spread.level());
  return spread.moves();
}

class Spread {
  readonly #piles: Pile[];
  readonly #loads = new Map<string, number>();
  readonly #moved = new Map<Share, Map<string, number>>();

  constructor(shares: readonly Share[]) {
    this.#piles = shares.map((share) => ({ ...share, share }));
    for (const { holder, wanters, count } of shares) {
      for (const member of wanters) this.#load(member, 0);
      this.#load(holder, count);
    }
  }

  /** What its holder does not want, or does not reach, goes to whoever has least. */
  owed(): void {
    for (const pile of this.#piles.filter(({ holder, wanters }) => !wanters.includes(holder)))
      while (pile.count > 0 && pile.wanters.length > 0)
        this.#shift([{ pile, to: this.#byLoad(pile.wanters)[0]! }], 1);
  }

  /** From one who has more to one who has at least two less, by way of others, if need be. @returns there was such a pair */
  level(): boolean {
    for (const from of this.#byLoad([...this.#loads.keys()]).reverse()) {
      const paths = this.#pathsFrom(from);
      const to = this.#byLoad([...paths.keys()])[0];
      if (to === undefined) continue;
      const path = paths.get(to)!;
      const half = Math.floor((this.#loadOf(from) - this.#loadOf(to)) / 2);
      // No more than it keeps: what came by a move could be passed on only when it is there.
      const most = Math.min(half, Math.max(1, this.#levelOf([from, ...paths.keys()]) - this.#loadOf(to)));
      const count = Math.min(most, ...path.map(({ pile }) => pile.count));
      if (count < 1) continue;
      this.#shift(path, count);
      return true;
    }
    return false;
  }

  moves(): Move[] {
    return [...this.#moved].flatMap(([share, to]) =>
      [...to].map(([member, count]) => ({ from: share.holder, to: member, share, count })),
    );
  }

  /** The shortest way to each who can be given something, over what each on it holds. */
  #pathsFrom(from: string): Map<string, readonly Step[]> {
    const paths = new Map<string, readonly Step[]>();
    const open: [string, readonly Step[]][] = [[from, []]];
    for (const [member, path] of open) {
      for (const pile of this.#piles) {
        if (pile.holder !== member || pile.count === 0) continue;
        for (const to of pile.wanters) {
          if (to === from || paths.has(to)) continue;
          const longer = [...path, { pile, to }];
          paths.set(to, longer);
          open.push([to, longer]);
        }
      }
    }
    return paths;
  }

  #shift(path: readonly Step[], count: number): void {
    for (const { pile, to } of path) {
      pile.count -= count;
      this.#load(pile.holder, -count);
      this.#load(to, count);
      this.#pileOf(to, pile.wanters).count += count;
      // What came by a move is passed on when it is there.
      if (!pile.share) continue;
      const moved = this.#moved.get(pile.share) ?? new Map<string, number>();
      this.#moved.set(pile.share, moved.set(to, (moved.get(to) ?? 0) + count));
    }
  }

  /** Those that came are kept apart from those that are there. */
  #pileOf(holder: string, wanters: readonly string[]): Pile {
    const name = wanters.join(' ');
    const known = this.#piles.find(
      (pile) => !pile.share && pile.holder === holder && pile.wanters.join(' ') === name,
    );
    if (known) return known;
    const pile: Pile = { holder, wanters, count: 0, share: undefined };
    this.#piles.push(pile);
    return pile;
  }

  #load(member: string, more: number): void {
    this.#loads.set(member, this.#loadOf(member) + more);
  }

  /** What each of them has at least, where all have equally many. */
  #levelOf(members: readonly string[]): number {
    return Math.floor(members.reduce((sum, member) => sum + this.#loadOf(member), 0) / members.length);
  }

  #loadOf(member: string): number {
    return this.#loads.get(member) ?? 0;
  }

  /** The least loaded first; of the same, by name. */
  #byLoad(members: readonly string[]): string[] {
    return [...members].sort((a, b) => this.#loadOf(a) - this.#loadOf(b) || (a < b ? -1 : 1));
  }
}
