// The two tokens of a console on a port of its own: what the environment says, or files that are made once.
// Invariant: where they are is said, and no token is.
import { readEnvironment } from '../../runtime/environment';
import type { Log } from '../../runtime/log';
import { type KeptTokens, keptTokens } from '../kept-tokens';

export interface TokenHome {
  /** Where tokens are kept that nobody has set. */
  readonly folder: string;
  /** What makes a token where there is none, for people: `n8n`. */
  readonly maker: string;
}

/** @throws Error that says which token cannot be used, and what to do */
export async function tokensAt(
  { folder, maker }: TokenHome,
  log: Pick<Log, 'info' | 'error'>,
): Promise<KeptTokens> {
  const tokens = await keptTokens({ setting: tokenSetting, folder, maker });
  log.info(
    `The Mail Console asks for a token: to look, that in ${tokens.places.read}; to act, that in ${tokens.places.operate}`,
  );
  for (const file of tokens.wereOpen) {
    log.error(
      `Others on this machine could read the token in ${file}. They cannot any more; where they may have, delete ` +
        `the file, and ${maker} makes a new one at its next start.`,
    );
  }
  return tokens;
}

/** A file that is named, and holds nothing, is a mistake: in its place a token would be made that nobody knows. @throws Error */
function tokenSetting(name: string): string | undefined {
  const text = readEnvironment(name);
  if (text !== '' || process.env[name] !== undefined) return text;
  throw new Error(`The file that ${name}_FILE names holds nothing. Put a token into it.`);
}
