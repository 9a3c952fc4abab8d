// Event ids are UUIDs (RFC 9562, version 7): they grow with time, so an index takes them at its end, and they
// stay unique if a ledger is lost and begun again, which n8n's deduplication of executions relies on.
import { randomBytes } from 'node:crypto';

/** @param now ms since 1970 */
export function newEventId(now: number = Date.now()): string {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(now, 0, 6);
  bytes[6] = (bytes[6]! & 0x0f) | 0x70;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
