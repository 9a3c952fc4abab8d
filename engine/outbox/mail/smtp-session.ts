// One connection to an SMTP server, logged in, over which one mail after the other goes.
// Invariant: what comes back says how far the mail had come. Until the caller has let it go (`mayHandOver`) its end is held back, so
// the server cannot have taken it; from then on only the server's own answer says whether it has.
import { isAscii } from 'node:buffer';
import { monotonicNow } from '../../runtime/time';
import { heldMail } from './held-mail';
import type { Envelope } from './mail-content';
import type { Connection, SendInfo } from './nodemailer';
import { connectSmtp, type SmtpTimeouts } from './smtp-connect';
import type { RawSmtpError } from './smtp-fault';
import type { SmtpLogin } from './smtp-login';

/** One recipient that the server did not take, and what it said. */
export interface RefusedRecipient {
  readonly address: string;
  /** Its place in the envelope, from 0. Null: it is not there as the server was told it. */
  readonly at: number | null;
  readonly code: number | null;
  readonly response: string;
}

/**
 * - `nothing`: the server has not even the envelope
 * - `mail`: it may have all but the end
 * - `handedOver`: it may have it whole
 */
type Phase = 'nothing' | 'mail' | 'handedOver';

export type SessionEnd =
  | { readonly end: 'accepted'; readonly response: string; readonly refused: readonly RefusedRecipient[] }
  /** The server's own answer: it has not taken it. */
  | {
      readonly end: 'refused';
      readonly phase: Phase;
      readonly code: number;
      readonly response: string;
      readonly refused: readonly RefusedRecipient[];
    }
  /** No answer that says anything. @property error null: it fell silent */
  | {
      readonly end: 'cut';
      readonly phase: Phase;
      readonly error: RawSmtpError | null;
      readonly refused: readonly RefusedRecipient[];
    }
  /** Let go before its end, by the caller. */
  | { readonly end: 'letGo'; readonly why: unknown };

export interface Passage {
  /** After the envelope: whether the mail goes to the others. @throws what it is let go with */
  readonly mayBegin: (refused: readonly RefusedRecipient[]) => void;
  /** Before its end. @throws what it is let go with */
  readonly mayHandOver: () => Promise<void>;
  readonly signal: AbortSignal;
}

/** What nodemailer keeps on an envelope while it is sent (10.6.1); without it, who was refused is known afterwards only. */
interface FilledEnvelope {
  readonly from: string;
  readonly to: string[];
  readonly use8BitMime: boolean;
  readonly size: number;
  readonly rejectedErrors?: readonly RecipientError[];
}

type RecipientError = RawSmtpError & { readonly recipient?: string | undefined };

export class SmtpSession {
  readonly #connection: Connection;
  readonly #timeouts: SmtpTimeouts;
  readonly openedAt = monotonicNow();
  #isOpen = true;
  #sent = 0;

  static async open(
    login: SmtpLogin,
    how: { readonly isVerified: boolean; readonly timeouts: SmtpTimeouts },
    signal: AbortSignal,
  ): Promise<SmtpSession> {
    return new SmtpSession(login, await connectSmtp(login, how, signal), how.timeouts);
  }

  private constructor(
    readonly login: SmtpLogin,
    connection: Connection,
    timeouts: SmtpTimeouts,
  ) {
    this.#connection = connection;
    this.#timeouts = timeouts;
    connection.once('end', () => (this.#isOpen = false));
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Mails that it has carried. */
  get sent(): number {
    return this.#sent;
  }

  /** Only one that was accepted leaves the connection as it was: after any other end it is closed. */
  async send(envelope: Envelope, raw: Buffer, passage: Passage): Promise<SessionEnd> {
    const end = await this.#send(envelope, raw, passage);
    if (end.end === 'accepted') this.#sent++;
    else this.close();
    return end;
  }

  #send({ from, to }: Envelope, raw: Buffer, passage: Passage): Promise<SessionEnd> {
    const filled: FilledEnvelope = {
      ...{ from, to: [...to], size: raw.length },
      use8BitMime: !isAscii(raw),
    };
    return new Promise((resolve) => {
      let phase: Phase = 'nothing';
      let isOver = false;
      let timer: NodeJS.Timeout | undefined;
      const refused = (): readonly RefusedRecipient[] => refusedOf(to, filled.rejectedErrors);
      const finish = (end: SessionEnd): void => {
        if (isOver) return;
        isOver = true;
        clearTimeout(timer);
        passage.signal.removeEventListener('abort', letGo);
        resolve(end);
        // Nothing of it may go out any more.
        if (end.end !== 'accepted') mail.destroy();
      };
      const watch = (ms: number | null): void => {
        clearTimeout(timer);
        if (ms !== null)
          timer = setTimeout(() => finish({ end: 'cut', phase, error: null, refused: refused() }), ms);
      };
      const letGo = (): void => {
        if (phase !== 'handedOver') finish({ end: 'letGo', why: passage.signal.reason });
      };
      const begin = (): void => {
        if (phase === 'nothing') {
          phase = 'mail';
          passage.mayBegin(refused());
        }
        watch(this.#timeouts.command);
      };
      const mayEnd = async (): Promise<void> => {
        // The ledger is asked, not the server.
        watch(null);
        await passage.mayHandOver();
        // It broke meanwhile: without its end nobody has taken it.
        if (isOver) throw new Error('The connection is gone');
        phase = 'handedOver';
        watch(this.#timeouts.answer);
      };
      const guarded = <T>(step: () => T): T => {
        try {
          return step();
        } catch (why) {
          finish({ end: 'letGo', why });
          throw why;
        }
      };
      const mail = heldMail(
        raw,
        () => guarded(begin),
        () =>
          mayEnd().catch((why: unknown) => {
            finish({ end: 'letGo', why });
            throw why;
          }),
      );
      // What it is destroyed with is known already.
      mail.on('error', () => undefined);
      passage.signal.addEventListener('abort', letGo, { once: true });
      if (passage.signal.aborted) {
        letGo();
        return;
      }
      watch(this.#timeouts.command + to.length * 1_000);
      this.#connection.send(filled, mail, (error, info) => {
        // What is said to a recipient after the sender was refused (503) is none of his.
        const told = (error ?? info) as Partial<RawSmtpError & FilledEnvelope> | undefined;
        const isCut = error && told?.responseCode === undefined;
        const said = isCut ? refused() : refusedOf(to, told?.rejectedErrors);
        finish(endOf(phase, said, error, info));
      });
    });
  }

  /** At once: what it had begun is cut off. */
  close(): void {
    this.#isOpen = false;
    this.#connection.close();
  }

  /** As the protocol has it, where nothing is under way. */
  quit(): void {
    this.#isOpen = false;
    const timer = setTimeout(() => this.#connection.close(), QUIT_MS);
    timer.unref();
    this.#connection.once('end', () => clearTimeout(timer));
    this.#connection.quit();
  }
}

const QUIT_MS = 5_000;

function endOf(
  phase: Phase,
  refused: readonly RefusedRecipient[],
  error: unknown,
  info: SendInfo | undefined,
): SessionEnd {
  if (error === null || error === undefined) {
    // An answer before the end of the mail is none to the mail: who knows what the server did.
    if (phase !== 'handedOver' || !info) return { end: 'cut', phase: 'handedOver', error: {}, refused };
    return { end: 'accepted', response: info.response, refused };
  }
  const fault = error as RawSmtpError;
  const { responseCode: code, response } = fault;
  // Whatever it did before: with 4xx and 5xx it says that it has not taken the mail (RFC 5321, 4.2.1).
  if (code !== undefined && code >= 400 && code < 600)
    return { end: 'refused', phase, code, response: response ?? '', refused };
  return { end: 'cut', phase, error: fault, refused };
}

function refusedOf(
  to: readonly string[],
  errors: readonly RecipientError[] | undefined,
): readonly RefusedRecipient[] {
  const places = new Map(to.map((address, at) => [address, at]));
  return (errors ?? []).map(({ recipient = '', responseCode, response }) => ({
    ...{ address: recipient, at: places.get(recipient) ?? null },
    ...{ code: responseCode ?? null, response: response ?? '' },
  }));
}
