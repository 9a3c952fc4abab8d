// The certificates of an IMAP login, checked before they are used, since TLS itself would ignore text that is none.
// Invariant: nothing of a key stands in an error.
import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import * as tls from 'node:tls';
import type { ImapLogin } from './login';

type OlderTls = Pick<typeof tls, 'rootCertificates'> & Partial<Pick<typeof tls, 'getCACertificates'>>;
type ClientCertificate = NonNullable<ImapLogin['clientCertificate']>;

/** Certificates that are edited leave their contexts behind. */
const MOST_CONTEXTS = 20;

const BLOCK = /-----BEGIN ([A-Z0-9 ]+)-----([\s\S]+?)-----END \1-----/g;

/**
 * The certificates in a text, as PEM (RFC 7468). A text whose line breaks were lost on the way is mended.
 * @param field what a person calls the text, for the error
 * @param where the credential that holds it, for the error
 * @throws Error that says that the field holds no certificate, or one that cannot be read
 */
export function readCertificates(text: string, field: string, where: string): string {
  const found = blocks(text).filter(({ label }) => label.endsWith('CERTIFICATE'));
  if (found.length === 0) {
    throw new Error(
      `"${field}" in ${where} holds no certificate. It begins with "-----BEGIN CERTIFICATE-----" (PEM).`,
    );
  }
  for (const { pem } of found) {
    try {
      new X509Certificate(pem);
    } catch {
      throw new Error(`"${field}" in ${where} holds a certificate that cannot be read.`);
    }
  }
  return found.map(({ pem }) => pem).join('');
}

/** @throws Error that says which of the three is wrong, or that they do not belong together */
export function readClientCertificate(
  certificate: string,
  key: string,
  passphrase: string,
  where: string,
): ClientCertificate {
  const pem = readCertificates(certificate, 'Client Certificate', where);
  const [found] = blocks(key).filter(({ label }) => label.endsWith('PRIVATE KEY'));
  if (!found) {
    throw new Error(
      `"Client Key" in ${where} holds no private key. It begins with "-----BEGIN PRIVATE KEY-----" or similar (PEM).`,
    );
  }
  let matches: boolean;
  try {
    const privateKey = createPrivateKey({ key: found.pem, ...(passphrase && { passphrase }) });
    matches = new X509Certificate(pem).checkPrivateKey(privateKey);
  } catch {
    throw new Error(
      /ENCRYPTED/.test(found.pem)
        ? `"Client Key" in ${where} is encrypted, and "Client Key Passphrase" does not open it.`
        : `"Client Key" in ${where} holds a private key that cannot be read.`,
    );
  }
  if (!matches) {
    throw new Error(`"Client Key" in ${where} does not belong to "Client Certificate".`);
  }
  return { certificate: pem, key: found.pem, ...(passphrase && { passphrase }) };
}

const contexts = new Map<string, tls.SecureContext>();

/**
 * What TLS makes of the certificates of a login: the authority is trusted besides the usual ones.
 * It is kept for the next connection, as it costs 13 ms and 1.4 MB.
 * @returns undefined: the login has none
 */
export function secureContext({ ca, clientCertificate }: ImapLogin): tls.SecureContext | undefined {
  if (ca === undefined && !clientCertificate) return undefined;
  const name = createHash('sha256')
    .update(JSON.stringify([ca, clientCertificate]))
    .digest('base64');
  const context =
    contexts.get(name) ??
    tls.createSecureContext({
      ...(ca !== undefined && { ca: [...usualAuthorities(tls), ca] }),
      ...(clientCertificate && { cert: clientCertificate.certificate, key: clientCertificate.key }),
      ...(clientCertificate?.passphrase !== undefined && { passphrase: clientCertificate.passphrase }),
    });
  contexts.set(name, context);
  const [oldest = name] = contexts.keys();
  if (contexts.size > MOST_CONTEXTS) contexts.delete(oldest);
  return context;
}

// Node has it since 22.15; before that, what NODE_EXTRA_CA_CERTS names cannot be had.
const usualAuthorities = ({ getCACertificates, rootCertificates }: OlderTls): readonly string[] =>
  getCACertificates?.('default') ?? rootCertificates;

function blocks(text: string): { readonly label: string; readonly pem: string }[] {
  // A field of one line makes blanks of line breaks, and some paste them as the two characters \n.
  const lines = text.replace(/\\n/g, '\n');
  return [...lines.matchAll(BLOCK)].map(([whole, label = '', body = '']) => {
    // An old encrypted key has header lines, which cannot be told apart again.
    const mended = body.includes(':')
      ? whole
      : [`-----BEGIN ${label}-----`, ...wrapped(body), `-----END ${label}-----`].join('\n');
    return { label, pem: `${mended}\n` };
  });
}

const wrapped = (base64: string): readonly string[] => base64.replace(/\s+/g, '').match(/.{1,64}/g) ?? [];
