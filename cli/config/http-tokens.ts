// The tokens of the command's port, as the configuration names them.
import type { Config } from './schema';
import { readSecret } from './secret';

/** Whoever guesses has to be kept from it: there is no other bar. */
const LEAST_LENGTH = 16;

/** @returns null: it names none @throws Error that names the key */
export function httpTokens({ tokens }: Pick<NonNullable<Config['http']>, 'tokens'>): {
  readonly read: string;
  readonly operate?: string;
} | null {
  if (!tokens) return null;
  const token = (key: 'read' | 'operate'): string => {
    const found = readSecret(tokens[key]!);
    if (found.length >= LEAST_LENGTH) return found;
    throw new Error(
      `tokens.${key} is too short: at least ${LEAST_LENGTH} characters, as \`openssl rand -hex 24\` gives`,
    );
  };
  const read = token('read');
  if (!tokens.operate) return { read };
  const operate = token('operate');
  if (operate === read)
    throw new Error('tokens.operate is the same as tokens.read: whoever may look could act');
  return { read, operate };
}
