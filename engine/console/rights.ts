// Two tokens, *read* and *operate*, and who has which.
// Invariants: a token is compared by its digest, in the same time whatever is in it; both are always compared.
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import type { Right } from './api';

export interface Tokens {
  readonly read: string;
  readonly operate: string;
}

/** Whether both are the same, in a time that tells nothing of either. */
export const isSame = (one: string, other: string): boolean => timingSafeEqual(digest(one), digest(other));

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** The token of `Authorization: Bearer`. */
export function bearerOf({ authorization }: IncomingHttpHeaders): string | null {
  const [, token] = /^Bearer +(\S+) *$/i.exec(authorization ?? '') ?? [];
  return token ?? null;
}

/** A browser sends it by itself once its user has typed it, also when another page asks it to. */
export const isAmbient = ({ authorization }: IncomingHttpHeaders): boolean =>
  /^(basic|digest|negotiate|ntlm)\b/i.test(authorization ?? '');

/** For a home with both tokens. */
export const rightsBy =
  (tokens: Tokens) =>
  (headers: IncomingHttpHeaders): Right | null => {
    const token = bearerOf(headers);
    if (token === null) return null;
    const [reads, operates] = [isSame(token, tokens.read), isSame(token, tokens.operate)];
    return operates ? 'operate' : reads ? 'read' : null;
  };
