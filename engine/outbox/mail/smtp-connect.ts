// Making a connection to an SMTP server, logged in: everything before the first mail.
// Invariant: it ends within its deadline, or when it is stopped, and nothing stays open of one that failed.
import { type Connection, connectionClass, type ConnectionOptions } from './nodemailer';
import { openingFault, type RawSmtpError } from './smtp-fault';
import { type SmtpLogin, xoauth2Answer } from './smtp-login';

/** ms. */
export interface SmtpTimeouts {
  /** From the name's look-up to the login. */
  readonly connect: number;
  /** For the login; for the sender and all recipients, and a second more for each of these; for each piece of the mail. */
  readonly command: number;
  /** For the answer to a mail that it has whole: shorter, and mails are in doubt (RFC 5321, 4.5.3.2.6, has 10 minutes). */
  readonly answer: number;
}

export const SMTP_TIMEOUTS: SmtpTimeouts = { connect: 30_000, command: 60_000, answer: 300_000 };

/** A name of ours: nodemailer (10.6.1) takes `XOAUTH2` for its own, which asks for another token and loses what the server said. */
const BY_TOKEN = 'OURS-XOAUTH2';

/** @throws SmtpFault; or the signal's reason */
export async function connectSmtp(
  login: SmtpLogin,
  { isVerified, timeouts }: { readonly isVerified: boolean; readonly timeouts: SmtpTimeouts },
  signal: AbortSignal,
): Promise<Connection> {
  const SmtpConnection = await connectionClass();
  signal.throwIfAborted();
  const connection = new SmtpConnection(optionsOf(login, isVerified, timeouts));
  let timer: NodeJS.Timeout | undefined;
  let stop: (() => void) | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      stop = () => reject(signal.reason as Error);
      signal.addEventListener('abort', stop, { once: true });
      // nodemailer sees to it as far as the login.
      const late: RawSmtpError = { code: 'ETIMEDOUT' };
      timer = setTimeout(() => reject(openingFault(late, login)), timeouts.connect + timeouts.command);
      const fail = (error: unknown): void => reject(openingFault(error, login));
      // Its listener stays: without one, an error of an idle connection would end the process.
      connection.on('error', fail);
      connection.once('end', () => fail({}));
      connection.connect((error) => {
        if (error) fail(error);
        else logIn(connection, login, (error) => (error ? fail(error) : resolve()));
      });
    });
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  } finally {
    clearTimeout(timer);
    if (stop) signal.removeEventListener('abort', stop);
  }
}

function optionsOf(login: SmtpLogin, isVerified: boolean, timeouts: SmtpTimeouts): ConnectionOptions {
  const { host, port, secure, startTls, clientName, user, proof } = login;
  return {
    ...{ host, port, secure },
    ...{ requireTLS: !secure && startTls === 'required', ignoreTLS: startTls === 'never' },
    ...(clientName !== '' && { name: clientName }),
    tls: { rejectUnauthorized: isVerified },
    ...{ connectionTimeout: timeouts.connect, greetingTimeout: timeouts.connect },
    // Ours are shorter, and know which phase it is.
    socketTimeout: Math.max(timeouts.answer, timeouts.command) + 60_000,
    customAuth: {
      [BY_TOKEN]: async (server) => {
        if (proof === null || !('accessToken' in proof) || !server.authMethods.includes('XOAUTH2'))
          throw new Error('It offers no XOAUTH2');
        const command = `AUTH XOAUTH2 ${xoauth2Answer(user, proof.accessToken)}`;
        const { status } = await server.sendCommand(command);
        // It has said why, and waits for an empty line before it refuses.
        const last = status === 334 ? (await server.sendCommand('')).status : status;
        if (last !== 235) throw new Error('It refused the token');
      },
    },
  };
}

function logIn(connection: Connection, { user, proof }: SmtpLogin, done: (error?: unknown) => void): void {
  // A server that speaks of no login wants none, or says so to the first mail.
  if (proof === null || (user === '' && 'password' in proof) || !connection.allowsAuth) done();
  else if ('accessToken' in proof) connection.login({ user, method: BY_TOKEN }, (error) => done(error));
  else connection.login({ user, pass: proof.password }, (error) => done(error));
}
