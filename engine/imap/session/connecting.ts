// Making a connection to an IMAP account: the only file that imports imapflow, and only when it connects.
// Invariant: it ends within its deadline, or when it is stopped, and nothing stays open of one that failed.
import type { ImapFlow } from 'imapflow';
import { withDeadline } from '../../runtime/time';
import { clientOptions, throttleLogger } from './client-options';
import { type ImapFault, toFault } from './fault';
import type { ImapLogin } from './login';
import { inItsPlace } from './login-places';
import { Refusals } from './refusal';

const CONNECT_MS = 20_000;
// At this time imapflow would break IDLE off by itself, and not begin it again: every heartbeat is sooner.
const SOCKET_TIMEOUT_MS = 30 * 60_000;
/** A mail above this size is never fetched whole. */
export const MOST_READ_BYTES = 250 * 1024 * 1024;
const MAX_LITERAL_BYTES = MOST_READ_BYTES + 1024 * 1024;

/** Logged in. */
export interface Connected {
  readonly client: ImapFlow;
  /** What an error of the client means. */
  readonly fault: (error: unknown) => ImapFault;
  /** What the server says when it refuses something. */
  readonly refusals: Refusals;
}

/** @param commandMs how long the server may take for a command @throws ImapFault */
export async function connected(
  login: ImapLogin,
  signal: AbortSignal,
  commandMs: number,
): Promise<Connected> {
  const { ImapFlow } = await import('imapflow');
  return inItsPlace(login, signal, () => connect(ImapFlow, login, signal, commandMs));
}

async function connect(
  Client: typeof ImapFlow,
  login: ImapLogin,
  signal: AbortSignal,
  commandMs: number,
): Promise<Connected> {
  signal.throwIfAborted();
  let throttledMs: number | undefined;
  const refusals = new Refusals();
  const client = new Client({
    ...clientOptions(login),
    logger: refusals.heardBy(
      throttleLogger((forMs) => {
        throttledMs = forMs;
        // Not before it waits: closing ends the wait.
        queueMicrotask(() => client.close());
      }),
    ),
    disableAutoIdle: true,
    // COMPRESS costs an idle connection 180 KB (measured with Cyrus).
    disableCompression: true,
    connectionTimeout: CONNECT_MS,
    greetingTimeout: CONNECT_MS,
    socketTimeout: SOCKET_TIMEOUT_MS,
    maxLiteralSize: MAX_LITERAL_BYTES,
    maxResponseSize: MAX_LITERAL_BYTES * 2,
  });
  // Expected socket errors come as `close`; without a listener the others would end the process.
  client.on('error', () => client.close());
  const fault = (error: unknown): ImapFault =>
    toFault(error, login, { throttledMs, isEncrypted: client.secureConnection });
  const stop = (): void => client.close();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await withDeadline('Connecting', CONNECT_MS + commandMs, client.connect());
    return { client, fault, refusals };
  } catch (error) {
    client.close();
    throw fault(error);
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
