// How many connections to one mail server are being made at once by this process: a thousand mailboxes that begin, or come back
// after an outage, are no storm of logins.
// Invariants: first come, first served; a place is given back whatever becomes of the login; who is called off while it waits
// leaves the row, and holds up nobody.
import type { ImapLogin } from './login';

/** Few enough for a small server, and enough that a thousand mailboxes are connected within a minute. */
export const MOST_LOGINS_AT_ONCE = 20;

interface Server {
  taken: number;
  readonly waiting: Set<() => void>;
}

const servers = new Map<string, Server>();

/** @throws what `work` throws, or the signal's reason while it waits */
export async function inItsPlace<T>(
  { host, port }: Pick<ImapLogin, 'host' | 'port'>,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  const name = `${host}:${port}`;
  const server = servers.get(name) ?? { taken: 0, waiting: new Set() };
  servers.set(name, server);
  if (server.taken >= MOST_LOGINS_AT_ONCE) await placeOf(server, signal);
  else server.taken++;
  try {
    return await work();
  } finally {
    const [next] = server.waiting;
    if (next) next();
    else if (--server.taken === 0) servers.delete(name);
  }
}

/** Resolves when somebody's place is handed on. */
function placeOf({ waiting }: Server, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (done: () => void): void => {
      waiting.delete(take);
      signal.removeEventListener('abort', leave);
      done();
    };
    const take = (): void => end(resolve);
    const leave = (): void => end(() => reject(signal.reason as Error));
    if (signal.aborted) {
      leave();
      return;
    }
    waiting.add(take);
    signal.addEventListener('abort', leave, { once: true });
  });
}
