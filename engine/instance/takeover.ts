// How soon another process has a source whose holder fell silent.
// Invariant: all processes of one ledger are best told the same; where they are not, each holder's own time counts.
import { readEnvironment } from '../runtime/environment';
import { TAKEOVER_MS } from '../source/leases';

const LEAST_S = 5;
const MOST_S = 600;

/** @throws Error that names the setting */
export function takeoverMs(): number {
  const written = readEnvironment('DURABLE_MAIL_TAKEOVER_SECONDS');
  if (written === undefined || written === '') return TAKEOVER_MS;
  const seconds = Number(written);
  if (!(seconds >= LEAST_S && seconds <= MOST_S))
    throw new Error(
      `DURABLE_MAIL_TAKEOVER_SECONDS is "${written}". Enter a number of seconds from ${LEAST_S} to ${MOST_S}, or leave it out: ` +
        `then another process reads a mailbox ${TAKEOVER_MS / 1000} seconds after the one that did has fallen silent.`,
    );
  return seconds * 1000;
}
