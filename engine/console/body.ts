// The JSON that a request brings.
// Invariants: no more of it is kept than a request of the console can need, and nobody is waited for for long.
import type { IncomingMessage } from 'node:http';
import { isTooDeep, MOST_JSON_LEVELS } from '../runtime/json-levels';
import { DeadlineError, withDeadline } from '../runtime/time';
import { Refusal } from './refusal';

/** Of whatever is not said to be larger. */
const MOST_OCTETS = 65_536;
const WITHIN_MS = 10_000;

/** @param given what was read of it already @throws Refusal */
export async function readJson(
  req: IncomingMessage,
  given: Buffer | undefined,
  most = MOST_OCTETS,
): Promise<Readonly<Record<string, unknown>>> {
  if (!/^application\/json *(;|$)/i.test(req.headers['content-type'] ?? '')) {
    throw new Refusal(415, 'What is sent has to be JSON, with Content-Type: application/json.');
  }
  const body = given ?? (await octets(req, most));
  if (body.length > most) throw tooLarge(most);
  const parsed = parsedOf(body);
  if (!isObject(parsed)) throw new Refusal(400, 'What was sent is no JSON object.');
  if (isTooDeep(parsed))
    throw new Refusal(400, `What was sent has more than ${MOST_JSON_LEVELS} levels, one within another.`);
  return parsed;
}

/** @returns undefined: it is no JSON; what was sent is not told */
function parsedOf(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

export const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

async function octets(req: IncomingMessage, most: number): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > most) throw tooLarge(most);
  try {
    return await withDeadline('The request', WITHIN_MS, gathered(req, most));
  } catch (error) {
    if (error instanceof Refusal) throw error;
    const why = error instanceof DeadlineError ? 'came too slowly' : 'was cut off';
    throw new Refusal(400, `What was sent ${why}.`, { Connection: 'close' });
  }
}

function gathered(req: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let length = 0;
    req.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > most) reject(tooLarge(most));
      else chunks.push(chunk);
    });
    req.on('end', () => resolve(Buffer.concat(chunks)));
    req.on('error', reject);
    req.on('close', () => reject(new Error('closed')));
  });
}

const tooLarge = (most: number): Refusal =>
  new Refusal(413, `What was sent is larger than ${most} octets.`, { Connection: 'close' });
