// JSON Web Tokens as far as Google's services use them (RFC 7515, 7519): written and read by node:crypto alone.
import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from 'node:crypto';

export type Claims = Readonly<Record<string, unknown>>;

export interface KeyPair {
  readonly id: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export function makeKeyPair(id: string): KeyPair {
  return { id, ...generateKeyPairSync('rsa', { modulusLength: 2048 }) };
}

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** Signed with RS256. */
export function signToken(claims: Claims, { id, privateKey }: KeyPair): string {
  const text = `${encode({ alg: 'RS256', kid: id, typ: 'JWT' })}.${encode(claims)}`;
  return `${text}.${sign('sha256', Buffer.from(text), privateKey).toString('base64url')}`;
}

/** Says that it needs no signature, and has none. */
export const unsignedToken = (claims: Claims): string =>
  `${encode({ alg: 'none', typ: 'JWT' })}.${encode(claims)}.`;

/** Signed with HS256, the secret being the text of the public key: what fools a reader that trusts `alg`. */
export function hmacToken(claims: Claims, { id, publicKey }: KeyPair): string {
  const text = `${encode({ alg: 'HS256', kid: id, typ: 'JWT' })}.${encode(claims)}`;
  const secret = publicKey.export({ type: 'spki', format: 'pem' });
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

/** The claims of a token, not verified. @returns null: it is none */
export function readClaims(token: string): Claims | null {
  try {
    const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Claims) : null;
  } catch {
    return null;
  }
}

/** Whether it is signed with RS256 by the owner of the key. */
export function isSignedBy(token: string, publicKey: string): boolean {
  const [head = '', body = '', signature = ''] = token.split('.');
  try {
    const { alg } = JSON.parse(Buffer.from(head, 'base64url').toString('utf8')) as { alg?: unknown };
    const text = Buffer.from(`${head}.${body}`);
    return (
      alg === 'RS256' &&
      verify('sha256', text, createPublicKey(publicKey), Buffer.from(signature, 'base64url'))
    );
  } catch {
    return false;
  }
}

/** As https://www.googleapis.com/oauth2/v3/certs lists it. */
export const publicJwk = ({ id, publicKey }: KeyPair): object => ({
  ...publicKey.export({ format: 'jwk' }),
  alg: 'RS256',
  use: 'sig',
  kid: id,
});
