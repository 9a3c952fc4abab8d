// What the environment says of the console's own port. It is open only where a port is set.
// Invariant: what cannot be meant is an error that names the variable and what to set.
import { readEnvironment } from '../../../engine/runtime/environment';
import { editorUrl } from '../n8n/environment';

export interface PortSettings {
  readonly port: number;
  /** The address that it listens at. */
  readonly host: string;
  /** Names by which it is reached, beside those that are always its own. */
  readonly names: readonly string[];
  /** `/healthz` and `/metrics` are told to everybody. */
  readonly openHealth: boolean;
  /** The feed tells sender and subject. */
  readonly showMail: boolean;
  readonly editorUrl: string;
}

const PORT = 'DURABLE_MAIL_CONSOLE_PORT';
const HOST = 'DURABLE_MAIL_CONSOLE_HOST';

/** @returns null: no port is set @throws Error */
export function portSettings(): PortSettings | null {
  const text = readEnvironment(PORT)?.trim();
  if (!text) return null;
  // Nothing else that `Number` takes, as 0x50 or 1e4, is meant for a port.
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (!(port >= 1 && port <= 65_535))
    throw new Error(`${PORT} is "${text.slice(0, 40)}". Set a number from 1 to 65535.`);
  return {
    port,
    // Also as it stands in an address: [::1].
    host: (readEnvironment(HOST) ?? '').trim().replace(/^\[(.*)\]$/, '$1') || '127.0.0.1',
    // Also with what stands around them in an address.
    names: (readEnvironment('DURABLE_MAIL_CONSOLE_NAMES') ?? '')
      .split(',')
      .flatMap((name) => name.trim().replace(/^https?:\/\/|[:/].*$/gi, '') || []),
    openHealth: isHealthOpen(),
    showMail: isTrue('DURABLE_MAIL_CONSOLE_SHOW_MAIL', true),
    editorUrl: editorUrl(),
  };
}

/** Of every home. @throws Error */
export const isHealthOpen = (): boolean => isTrue('DURABLE_MAIL_CONSOLE_OPEN_HEALTH', false);

function isTrue(variable: string, otherwise: boolean): boolean {
  const text = readEnvironment(variable)?.trim().toLowerCase();
  if (!text) return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`${variable} is "${text.slice(0, 40)}". Set true or false.`);
}
