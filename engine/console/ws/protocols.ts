// The subprotocols that a client offers: the console's own, and `bearer.<token>`, since a browser's script can set no header.
// Invariant: a token is sent back to nobody but who has sent it, and to them only where they offer nothing else to choose.

const OWN = 'durable-mail.v1';
const BEARER = 'bearer.';

/** @returns the one that is chosen; undefined: none of them is known */
export const protocolOf = (offered: readonly string[]): string | undefined =>
  offered.find((one) => one === OWN) ?? offered.find((one) => one.startsWith(BEARER));

/**
 * The token, as it may be meant: a character that no subprotocol may have (`/`, `=`) is sent percent-encoded, and one that has a `%` of
 * its own may be sent as it is. Empty: none is offered.
 */
export function tokensIn(header: string | undefined): readonly string[] {
  const offered = (header ?? '').split(',').map((one) => one.trim());
  const [, token] = /^bearer\.(.+)$/.exec(offered.find((one) => one.startsWith(BEARER)) ?? '') ?? [];
  if (token === undefined) return [];
  const decoded = decodedOf(token);
  return decoded === null || decoded === token ? [token] : [decoded, token];
}

function decodedOf(token: string): string | null {
  try {
    return decodeURIComponent(token);
  } catch {
    return null;
  }
}
