// What Gmail charges for each call, the log of all calls, and the limits for each user: calls at once, units a minute.
// https://developers.google.com/workspace/gmail/api/reference/quota
import { ApiError } from './http';

type Table = 'new' | 'old';

/** Units for a call under the old and the new table; what is not named costs nothing. */
const UNITS: Readonly<Record<string, readonly [old: number, fresh: number]>> = {
  profile: [1, 1],
  'history.list': [2, 2],
  'messages.list': [5, 5],
  'messages.get': [5, 20],
  'messages.attachments.get': [5, 20],
  'messages.modify': [5, 5],
  'messages.batchModify': [50, 50],
  'messages.trash': [5, 5],
  'messages.untrash': [5, 5],
  'messages.delete': [10, 10],
  'messages.insert': [25, 25],
  'messages.import': [25, 25],
  'messages.send': [100, 100],
  'labels.list': [1, 1],
  'labels.get': [1, 1],
  'labels.create': [5, 5],
  'labels.delete': [5, 5],
  watch: [100, 100],
  stop: [50, 50],
};

const PER_MINUTE: Readonly<Record<Table, number>> = { old: 15_000, new: 6_000 };

export interface QuotaSettings {
  table: Table;
  /** Refuses what goes over it. */
  enforced: boolean;
  /** Units in a window; null: as the table has it. */
  limit: number | null;
  /** Ms. */
  windowMs: number;
  /** How a call over the limit is answered. */
  refusal: 429 | 403;
  /** Sent with a refusal, in seconds. */
  retryAfter: number | null;
  /** Calls of one user at once. */
  concurrency: number;
}

export const quotaSettings = (): QuotaSettings => ({
  table: 'new',
  enforced: false,
  limit: null,
  windowMs: 60_000,
  refusal: 429,
  retryAfter: null,
  concurrency: Infinity,
});

export interface LoggedCall {
  /** Ms since 1970, when it came. */
  readonly at: number;
  readonly method: string;
  /** Empty where it is no account's. */
  readonly account: string;
  /** Also of what was refused. */
  readonly units: number;
  /** 0: not answered, or not yet. */
  status: number;
}

export class Quota {
  readonly settings: QuotaSettings;
  readonly calls: LoggedCall[] = [];
  readonly #admitted: LoggedCall[] = [];
  readonly #running = new Map<string, number>();
  /** The most calls of one user at once. */
  mostAtOnce = 0;

  constructor(settings: QuotaSettings) {
    this.settings = settings;
  }

  log(method: string, account: string): LoggedCall {
    const [old, fresh] = UNITS[method] ?? [0, 0];
    const units = this.settings.table === 'old' ? old : fresh;
    const call = { at: Date.now(), method, account, units, status: 0 };
    this.calls.push(call);
    return call;
  }

  /** Counts it as running. @returns to be called at its end */
  enter({ account }: LoggedCall): () => void {
    const running = (this.#running.get(account) ?? 0) + 1;
    this.#running.set(account, running);
    this.mostAtOnce = Math.max(this.mostAtOnce, running);
    return () => this.#running.set(account, this.#running.get(account)! - 1);
  }

  /** @throws ApiError 429 or 403: too much in a minute, or too many at once */
  admit(call: LoggedCall): void {
    const { enforced, limit, table, windowMs, refusal, concurrency } = this.settings;
    const retryAfter = this.settings.retryAfter ?? undefined;
    const reason = { reason: 'rateLimitExceeded', ...(retryAfter !== undefined && { retryAfter }) };
    if (this.#running.get(call.account)! > concurrency)
      throw new ApiError(429, 'Too many concurrent requests for user.', reason);
    if (enforced) {
      const recent = this.#admitted.filter(
        ({ at, account }) => account === call.account && at > call.at - windowMs,
      );
      if (units(recent) + call.units > (limit ?? PER_MINUTE[table])) {
        const message =
          "Quota exceeded for quota metric 'Queries' and limit 'Queries per minute per user' of service 'gmail.googleapis.com'.";
        throw new ApiError(refusal, message, reason);
      }
    }
    this.#admitted.push(call);
  }

  /** Units of all calls since then, in ms since 1970, also of those that failed; of the account, or of all. */
  spent(since = 0, of?: string): number {
    return units(this.calls.filter(({ at, account }) => at >= since && (of === undefined || account === of)));
  }

  /** The most units that one account asked for within so many ms, whenever that was. */
  mostInAnyWindow(ms: number): number {
    let most = 0;
    for (const account of new Set(this.calls.map((call) => call.account))) {
      const calls = this.calls.filter((call) => call.account === account);
      let [sum, first] = [0, 0];
      for (const call of calls) {
        sum += call.units;
        while (calls[first]!.at <= call.at - ms) sum -= calls[first++]!.units;
        most = Math.max(most, sum);
      }
    }
    return most;
  }
}

const units = (calls: readonly LoggedCall[]): number => calls.reduce((sum, call) => sum + call.units, 0);
