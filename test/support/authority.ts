// A certificate authority of the test's own: it signs what a server or a client shows, good or expired.
import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Certificate } from './certificate';

const CURVE = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];

export class Authority {
  readonly #folder: string;
  /** The authority's own certificate, PEM. */
  readonly cert: string;

  private constructor(folder: string, cert: string) {
    this.#folder = folder;
    this.cert = cert;
  }

  static async make(name = 'durable-mail test authority'): Promise<Authority> {
    const folder = await mkdtemp(join(tmpdir(), 'durable-mail-authority-'));
    const [cert, key] = [join(folder, 'ca.pem'), join(folder, 'ca.key')];
    const request = ['req', '-x509', ...CURVE, '-nodes', '-days', '2', '-subj', `/CN=${name}`];
    await openssl([...request, '-keyout', key, '-out', cert]);
    return new Authority(folder, await readFile(cert, 'utf8'));
  }

  /** Its certificate, for who reads it from a file. */
  get file(): string {
    return join(this.#folder, 'ca.pem');
  }

  /**
   * @param host a name or an address that the certificate is for
   * @param days how long it is valid; negative: it has expired
   * @param passphrase encrypts the key
   */
  async issue(
    host: string,
    { days = 2, passphrase = '' }: { days?: number; passphrase?: string } = {},
  ): Promise<Certificate> {
    const file = (name: string): string => join(this.#folder, name);
    const secrecy = passphrase === '' ? ['-nodes'] : ['-passout', `pass:${passphrase}`];
    const subject = ['-subj', `/CN=${host}`, '-keyout', file('key.pem'), '-out', file('request.pem')];
    await openssl(['req', ...CURVE, ...secrecy, ...subject]);
    const name = /^[\d.]+$/.test(host) ? `IP:${host}` : `DNS:${host}`;
    await writeFile(file('extensions'), `subjectAltName=${name}\n`);
    const signer = ['-CA', file('ca.pem'), '-CAkey', file('ca.key'), '-CAcreateserial'];
    const certificate = ['-days', String(days), '-extfile', file('extensions'), '-out', file('cert.pem')];
    await openssl(['x509', '-req', '-in', file('request.pem'), ...signer, ...certificate]);
    return { cert: await readFile(file('cert.pem'), 'utf8'), key: await readFile(file('key.pem'), 'utf8') };
  }

  async dispose(): Promise<void> {
    await rm(this.#folder, { recursive: true });
  }
}

const openssl = (args: readonly string[]): Promise<unknown> => promisify(execFile)('openssl', args);
