// What the environment says of a console on a port of its own.
// Invariant: what cannot be meant is an error that names the variable and what to set.
import { readEnvironment } from '../../runtime/environment';

export interface OwnPortSettings {
  readonly port: number;
  /** The address that it listens at. */
  readonly host: string;
  /** Names by which it is reached, beside those that are always its own. */
  readonly names: readonly string[];
  /** `/healthz` and `/metrics` are told to everybody. */
  readonly openHealth: boolean;
  /** The feed tells sender and subject; a mail's content can be had. */
  readonly showMail: boolean;
  /** There is `/ws`. */
  readonly webSocket: boolean;
}

const PORT = 'DURABLE_MAIL_CONSOLE_PORT';
const HOST = 'DURABLE_MAIL_CONSOLE_HOST';
const DEFAULT_HOST = '127.0.0.1';

/** @returns null: no port is set @throws Error */
export function ownPortSettings(): OwnPortSettings | null {
  const text = readEnvironment(PORT)?.trim();
  return text ? { port: portOf(text, PORT), ...besidePort() } : null;
}

/** All but the port. @throws Error */
export const besidePort = (): Omit<OwnPortSettings, 'port'> => ({
  host: hostOf(readEnvironment(HOST) ?? ''),
  // Also with what stands around them in an address.
  names: (readEnvironment('DURABLE_MAIL_CONSOLE_NAMES') ?? '')
    .split(',')
    .flatMap((name) => name.trim().replace(/^https?:\/\/|[:/].*$/gi, '') || []),
  openHealth: isHealthOpen(),
  showMail: isTrue('DURABLE_MAIL_CONSOLE_SHOW_MAIL', true),
  webSocket: isTrue('DURABLE_MAIL_WEBSOCKET', false),
});

/** @param name of what is set, for people @throws Error */
export function portOf(text: string, name: string): number {
  // Nothing else that `Number` takes, as 0x50 or 1e4, is meant for a port.
  const port = /^\d+$/.test(text) ? Number(text) : NaN;
  if (port >= 1 && port <= 65_535) return port;
  throw new Error(`${name} is "${text.slice(0, 40)}". Set a number from 1 to 65535.`);
}

/** Also as it stands in an address: [::1]. Empty: this machine alone. */
export const hostOf = (text: string): string => text.trim().replace(/^\[(.*)\]$/, '$1') || DEFAULT_HOST;

/** Of every home. @throws Error */
export const isHealthOpen = (): boolean => isTrue('DURABLE_MAIL_CONSOLE_OPEN_HEALTH', false);

function isTrue(variable: string, otherwise: boolean): boolean {
  const text = readEnvironment(variable)?.trim().toLowerCase();
  if (!text) return otherwise;
  if (text === 'true' || text === 'false') return text === 'true';
  throw new Error(`${variable} is "${text.slice(0, 40)}". Set true or false.`);
}
