// What imapflow is told of a login: where it connects, how that is encrypted, and what proves who logs in.
// Invariant: where encryption is required nothing secret is sent without it.
import type { ImapFlowOptions } from 'imapflow';
import { secureContext } from './certificates';
import type { ImapLogin } from './login';

type LoginOptions = Pick<ImapFlowOptions, 'host' | 'port' | 'secure' | 'doSTARTTLS' | 'auth' | 'tls'>;

export function clientOptions(login: ImapLogin): LoginOptions {
  const { host, port, secure, startTls, user, proof } = login;
  const context = secureContext(login);
  return {
    host,
    port,
    secure,
    // Left out, it is used where the server offers it.
    ...(!secure && startTls !== 'ifOffered' && { doSTARTTLS: startTls === 'required' }),
    auth: 'password' in proof ? { user, pass: proof.password } : { user, accessToken: proof.accessToken },
    tls: { rejectUnauthorized: !login.allowUnauthorizedCerts, ...(context && { secureContext: context }) },
  };
}

/** What imapflow logs is not kept, but for one thing that it tells in no other way. */
export interface QuietLogger {
  readonly debug: () => void;
  readonly info: () => void;
  readonly warn: (entry: object) => void;
  readonly error: () => void;
  readonly fatal: () => void;
}

/**
 * imapflow waits out a server's throttling by itself (up to 5 minutes) before it tells; whoever waits for the
 * command has long given up by then, and would come back too soon.
 * @param throttled is told at once how long the server wants to be left alone, in ms
 */
export function throttleLogger(throttled: (forMs: number) => void): QuietLogger {
  const nothing = (): void => undefined;
  return {
    debug: nothing,
    info: nothing,
    error: nothing,
    fatal: nothing,
    warn: (entry) => {
      if ('throttleDelay' in entry && typeof entry.throttleDelay === 'number') throttled(entry.throttleDelay);
    },
  };
}
