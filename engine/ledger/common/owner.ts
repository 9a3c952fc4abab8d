// Whose the ledger is, the same in every adapter, which only brings the statements (../ownership.ts).
// Invariant: what is refused is looked up, at most 15 s ago; a good answer counts so long, a refusal is asked for anew.
import { monotonicNow } from '../../runtime/time';
import { LedgerFault } from '../fault';
import { type Instance, type LedgerOwnership, SHARED_OWNER } from '../ownership';

/** What the ledger says of itself. */
export interface OwnerRow {
  /** Given when the ledger was made: no two have the same. */
  readonly ledgerId: string;
  /** The instance's id; null: nobody has listened yet. */
  readonly owner: string | null;
  readonly home: string | null;
  readonly host: string | null;
  /** ms since 1970. */
  readonly ownedAt: number | null;
  /** Whether the owner has said within `ALIVE_MS` that it listens. */
  readonly isAlive: boolean;
}

/** A copy of this n8n that has been silent for so long is no more. */
export const ALIVE_MS = 40_000;
/** How long an answer counts. */
const LOOK_MS = 15_000;
/** The same, for those who ask on time: many triggers do. */
const AGAIN_MS = 1_000;
/** How often it is written down that the owner listens. */
const SAY_MS = 8_000;

/** What an adapter does in its database. */
export interface OwnerStatements {
  read(): Promise<OwnerRow>;
  /**
   * Sets owner, home and host, where there is no owner, or it is this one, and its home is this one's, or silent, or
   * to be replaced.
   */
  claim(instance: Instance, replacing: string | null): Promise<void>;
  replace(instance: Instance): Promise<void>;
  leave(instance: Instance): Promise<void>;
}

export class Ownership implements LedgerOwnership {
  readonly #statements: OwnerStatements;
  readonly #place: string;
  readonly #instance: Instance | null;
  /** This process listens: what it is to others of its n8n counts, too. */
  #listens = false;
  /** Two machines may have one name: it is asked once whether a process is gone, so that nobody is replaced in turn. */
  #asked = false;
  /** Monotonic: the times of the last good answers. */
  #lookedAt = -Infinity;
  #saidAt = -Infinity;

  /** @param instance null: nobody's in particular, which nothing is refused */
  constructor(statements: OwnerStatements, place: string, instance: Instance | null) {
    this.#statements = statements;
    this.#place = place;
    this.#instance = instance;
  }

  async ledgerId(): Promise<string> {
    return (await this.#statements.read()).ledgerId;
  }

  async own(): Promise<void> {
    const instance = this.#instance;
    if (!instance) return;
    this.#listens = true;
    if (monotonicNow() - this.#saidAt >= SAY_MS) {
      await this.#statements.claim(instance, null);
      const { home } = await this.#statements.read();
      if (!this.#asked && home !== null && home !== instance.home && (await instance.isGone(home))) {
        await this.#statements.claim(instance, home);
      }
      this.#asked = true;
      this.#saidAt = monotonicNow();
    }
    await this.#look(AGAIN_MS);
  }

  async isListenedTo(): Promise<boolean> {
    return (await this.#statements.read()).isAlive;
  }

  async leave(): Promise<void> {
    if (!this.#instance || !this.#listens) return;
    this.#listens = false;
    this.#saidAt = -Infinity;
    await this.#statements.leave(this.#instance);
  }

  async takeOver(): Promise<string | null> {
    if (!this.#instance) throw new LedgerFault('other', 'This n8n does not say which one it is.');
    const { host } = await this.#statements.read();
    await this.#statements.replace(this.#instance);
    this.#lookedAt = -Infinity;
    return host;
  }

  /** One query every 15 s. @throws LedgerFault `foreign` or `twin` */
  check(): Promise<void> {
    return this.#look(LOOK_MS);
  }

  async #look(everyMs: number): Promise<void> {
    const instance = this.#instance;
    if (!instance || monotonicNow() - this.#lookedAt < everyMs) return;
    const row = await this.#statements.read();
    const fault = faultOf(row, instance, this.#listens, this.#place);
    if (fault) {
      this.#lookedAt = -Infinity;
      this.#saidAt = -Infinity;
      throw fault;
    }
    this.#lookedAt = monotonicNow();
  }
}

function faultOf(row: OwnerRow, instance: Instance, listens: boolean, place: string): LedgerFault | null {
  if (row.owner === null) return null;
  const since = row.ownedAt === null ? '' : `, since ${new Date(row.ownedAt).toISOString()}`;
  if (row.owner === SHARED_OWNER && instance.id !== SHARED_OWNER) {
    return new LedgerFault(
      'foreign',
      `The mail ledger, ${place}, belongs to several n8n that share it, and this one was not told to. If it is one of them, ` +
        `set DURABLE_MAIL_SHARED_LEDGER=true for it, too. ${WHAT_TO_DO}`,
    );
  }
  if (row.owner !== instance.id) {
    return new LedgerFault(
      'foreign',
      `The mail ledger, ${place}, belongs to another n8n (instance ${row.owner.slice(0, 12)}, on ${row.host}${since}; ` +
        `this one is ${instance.id.slice(0, 12)}). ${WHAT_TO_DO}`,
    );
  }
  const isTwin = listens && row.isAlive && row.home !== null && row.home !== instance.home;
  if (!isTwin || instance.home === null) return null;
  return new LedgerFault(
    'twin',
    `The mail ledger, ${place}, is in use by another n8n with the same instance id (on ${row.host}${since}): one of ` +
      `the two is a copy of the other. ${WHAT_TO_DO}`,
  );
}

const WHAT_TO_DO =
  'Give this n8n a ledger of its own: another schema or database under Where Emails Are Kept, or in DURABLE_MAIL_POSTGRES_URL. ' +
  'If it is to take the place of the other one: Mail Ledger node, Ledger, Take Over; then publish again.';
