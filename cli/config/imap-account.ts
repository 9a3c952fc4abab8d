// An IMAP account of the configuration: the words are those of the credential Durable IMAP, and what it takes to log in.
// Invariant: what can never work is said when the configuration is read; secrets are read anew for each login.
/* eslint-disable @typescript-eslint/explicit-module-boundary-types -- what zod infers is the type */
import type { z } from 'zod/v4';
import { readCertificates, readClientCertificate } from '../../engine/imap/session/certificates';
import { ImapFault } from '../../engine/imap/session/fault';
import { DEFAULT_MOST_CONNECTIONS, type ImapLogin } from '../../engine/imap/session/login';
import { accessToken, checkOAuth2, oauth2Shape, tokenUrl } from './access-token';
import { named, type Origin, readSecret, secretSchema } from './secret';
import { HOST, HOST_IS, known, mustBe, oneOf, type Zod } from './words';

const STARTTLS = ['required', 'ifOffered', 'never'] as const;
const MOST_CONNECTIONS = 20;

export function imapAccountSchema(zod: Zod, origin: Origin) {
  const secret = (): ReturnType<typeof secretSchema> => secretSchema(zod, origin);
  const text = (): z.ZodString => zod.string().min(1, mustBe('a text that is not empty'));
  return known(zod, {
    kind: zod.literal('imap').optional(),
    host: zod.string().regex(HOST, mustBe(HOST_IS)).describe('Name or address of the IMAP server'),
    port: zod.number().int().min(1).max(65_535).default(993),
    user: text().describe('As the server knows it: mostly the email address'),
    password: secret().optional(),
    oauth2: known(zod, { tokenUrl: tokenUrl(zod), ...oauth2Shape(zod, origin), scope: text().optional() })
      .optional()
      .describe('Instead of a password: an access token by a refresh token (RFC 6749, 6)'),
    secure: zod.boolean().default(true).describe('TLS from the first byte'),
    startTls: zod.enum(STARTTLS).default('required').describe('Where secure is false'),
    allowUnauthorizedCerts: zod.boolean().default(false),
    ca: text().optional().describe('Path of a file: certificates (PEM) that are trusted, too'),
    clientCertificate: text().optional().describe('Path of a file (PEM)'),
    clientKey: secret().optional(),
    clientKeyPassphrase: secret().optional(),
    mostConnections: zod.number().int().min(1).max(MOST_CONNECTIONS).default(DEFAULT_MOST_CONNECTIONS),
  }).refine(oneOf('password', 'oauth2'), { error: 'must have a password or oauth2, and not both' });
}

export type ImapAccount = z.output<ReturnType<typeof imapAccountSchema>>;

/**
 * Its login, each time as its secrets are then.
 * @param name as people find it in the configuration
 * @returns throws Error, ImapFault
 */
export function imapLoginOf(name: string, account: ImapAccount): () => Promise<ImapLogin> {
  const { oauth2 } = account;
  const token =
    oauth2 &&
    accessToken(`The account ${name}`, oauth2, (kind, text, more) => new ImapFault(kind, text, more));
  return async () => {
    const { host, port, user, secure, startTls, allowUnauthorizedCerts, mostConnections } = account;
    const login = { host, port, user, secure, startTls, allowUnauthorizedCerts, mostConnections };
    const proof = token
      ? { accessToken: await token(false), renew: () => token(true) }
      : { password: named(name, 'password', () => readSecret(account.password!)) };
    return { ...login, ...certificatesOf(name, account), proof, credential: `"${name}" (configuration)` };
  };
}

/** Reads all that a login takes, and asks nobody. @throws Error that names what is missing */
export function checkImapAccount(name: string, account: ImapAccount): void {
  certificatesOf(name, account);
  const { password, oauth2 } = account;
  if (password) named(name, 'password', () => readSecret(password));
  if (oauth2) checkOAuth2(name, oauth2);
}

function certificatesOf(name: string, account: ImapAccount): Pick<ImapLogin, 'ca' | 'clientCertificate'> {
  const { ca, clientCertificate, clientKey, clientKeyPassphrase } = account;
  const where = `the account ${name}`;
  const read = (file: string): string => readSecret({ file });
  return {
    ...(ca !== undefined && {
      ca: readCertificates(
        named(name, 'ca', () => read(ca)),
        'ca',
        where,
      ),
    }),
    ...(clientCertificate !== undefined && {
      clientCertificate: readClientCertificate(
        named(name, 'clientCertificate', () => read(clientCertificate)),
        clientKey ? named(name, 'clientKey', () => readSecret(clientKey)) : '',
        clientKeyPassphrase ? named(name, 'clientKeyPassphrase', () => readSecret(clientKeyPassphrase)) : '',
        where,
      ),
    }),
  };
}
