// Event ids are UUIDs (RFC 9562, version 7): they grow with time, so an index takes them at its end, and they
// stay unique if a ledger is lost and begun again, which n8n's deduplication of executions relies on.
import { randomUUID } from 'node:crypto';

/** @param now ms since 1970 */
export function newEventId(now: number = Date.now()): string {
  const time = now.toString(16).padStart(12, '0');
  // What follows the version in a random UUID is what it is in this one, too.
  return `${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}
