// Faults that a test switches on, by the name of the API's method.
import { type Answer, ApiError, json } from './http';

/** What becomes of the connection instead of the answer. */
type Fate = 'hang' | 'reset' | 'cut';

export interface Fated extends Answer {
  readonly fate?: Fate;
}

export interface FaultSpec {
  /** Answered with Google's JSON for it. */
  readonly status?: number;
  /** The reason in that JSON, such as userRateLimitExceeded, dailyLimitExceeded, domainPolicy. */
  readonly reason?: string;
  /** Seconds, sent with `status`. */
  readonly retryAfter?: number;
  /** No answer ever; the connection stays open. */
  readonly hang?: true;
  /** The connection is reset without an answer. */
  readonly reset?: true;
  /** Half of the answer comes, then the connection is reset. */
  readonly cut?: true;
  /** The answer comes late. */
  readonly slowMs?: number;
  /** 200, and a text that is no JSON. */
  readonly malformed?: true;
  /** The method does its work first, so that only the answer is lost. */
  readonly afterEffect?: true;
  /** How often; 1 by default, Infinity for always. */
  readonly times?: number;
  /** Lets so many pass first that would match. */
  readonly afterMatching?: number;
  /** Of this message only. */
  readonly messageId?: string;
  /** Of this account only. */
  readonly account?: string;
  /** Of a page behind the first one only. */
  readonly laterPage?: true;
}

export interface FaultyCall {
  readonly method: string;
  readonly account: string;
  readonly messageId?: string;
  readonly pageToken: boolean;
}

export class Fault {
  readonly method: string;
  readonly spec: FaultSpec;
  /** How often it struck. */
  struck = 0;
  #passed = 0;
  #isOver = false;

  constructor(method: string, spec: FaultSpec) {
    this.method = method;
    this.spec = spec;
  }

  /** It strikes no more. */
  end(): void {
    this.#isOver = true;
  }

  strikes(call: FaultyCall): boolean {
    const { messageId, account, laterPage, times = 1, afterMatching = 0 } = this.spec;
    if (this.#isOver || this.struck >= times || (this.method !== '*' && this.method !== call.method))
      return false;
    if (messageId !== undefined && messageId !== call.messageId) return false;
    if (account !== undefined && account.toLowerCase() !== call.account) return false;
    if (laterPage && !call.pageToken) return false;
    if (this.#passed++ < afterMatching) return false;
    this.struck++;
    return true;
  }
}

/** Whether the method does its work before the fault strikes. */
export const worksFirst = ({ status, hang, reset, malformed, afterEffect }: FaultSpec): boolean =>
  afterEffect === true || (status === undefined && !hang && !reset && !malformed);

/** @param real what it would have been; null: the work is not done */
export function faultyAnswer(fault: FaultSpec, real: Answer | null): Fated {
  const { status, reason, retryAfter, hang, reset, cut, malformed } = fault;
  if (hang) return { status: 0, fate: 'hang' };
  if (reset) return { status: 0, fate: 'reset' };
  if (malformed) return { ...json({}), body: '{"messages": [{"id": "19' };
  if (status !== undefined)
    return new ApiError(status, `The test has switched on a fault: ${status}`, {
      ...(reason !== undefined && { reason }),
      ...(retryAfter !== undefined && { retryAfter }),
    }).answer();
  return cut ? { ...real!, fate: 'cut' } : real!;
}
