// A certificate of the test's own, which signs itself.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** @param host a name or an address that the certificate is for */
export async function selfSigned(host: string): Promise<Certificate> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-mail-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
  try {
    await promisify(execFile)('openssl', [
      ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'],
      ...['-subj', '/CN=durable-mail test', '-addext', `subjectAltName=${name}`],
      ...['-keyout', key, '-out', cert],
    ]);
    return { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  } finally {
    await rm(folder, { recursive: true });
  }
}
