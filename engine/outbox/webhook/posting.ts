// One POST: connect, say so, write, read the head of the answer and the beginning of its body.
// Invariants: nothing is written before `handOver` has said yes; what the status says counts, however the body ends; of an
// answer no more is read than was asked for; no connection outlives its try.
import { type IncomingMessage, request as httpRequest } from 'node:http';
import type { Socket } from 'node:net';
import { monotonicNow } from '../../runtime/time';
import { type ConnectPorts, connectTo } from './connecting';

/** Of an answer, in bytes. With Node.js' own 16 KB a receiver that has taken it would be sent it again. */
const MOST_HEAD = 32 * 1024;
/** For the rest of what is read, once the head is there. */
const BODY_MS = 2_000;

export interface Post {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  readonly timeoutMs: number;
  /** So much of the answer's body is read. */
  readonly answerBytes: number;
  readonly allowOwnNetwork: boolean;
  readonly handOver: () => Promise<boolean>;
  /** Until it is handed over. */
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string>>;
  /** The beginning of the body, in the charset that it names. */
  readonly text: string;
}

export type Posted =
  | { readonly came: 'answer'; readonly answer: Answer }
  /** It may have arrived. */
  | { readonly came: 'nothing'; readonly error: unknown }
  /** Nothing arrived. */
  | { readonly came: 'notReached'; readonly error: unknown }
  /** It was let go before anything was written: it is another's, or the process ends. */
  | { readonly came: 'letGo' };

/** The try was longer than its deadline. */
export class PostTimeout extends Error {
  override readonly name = 'PostTimeout';
}

/** Never rejects for what the receiver does. @throws what `handOver` throws */
export async function post(request: Post, ports: ConnectPorts): Promise<Posted> {
  const late = new AbortController();
  const began = monotonicNow();
  const timer = setTimeout(() => late.abort(new PostTimeout('It took too long')), request.timeoutMs);
  let socket: Socket | null = null;
  try {
    try {
      const signal = AbortSignal.any([request.signal, late.signal]);
      socket = await connectTo(request.url, request.allowOwnNetwork, ports, signal);
    } catch (error) {
      return request.signal.aborted ? { came: 'letGo' } : { came: 'notReached', error };
    }
    if (request.signal.aborted || !(await request.handOver())) return { came: 'letGo' };
    if (late.signal.aborted) return { came: 'notReached', error: late.signal.reason };
    try {
      const left = request.timeoutMs - (monotonicNow() - began);
      const message = await exchange(socket, request, late.signal);
      const bytes = await beginningOf(message, request.answerBytes, Math.max(0, Math.min(BODY_MS, left)));
      const text = decoded(bytes, message.headers['content-type']);
      return { came: 'answer', answer: { status: message.statusCode!, headers: headersOf(message), text } };
    } catch (error) {
      return { came: 'nothing', error };
    }
  } finally {
    clearTimeout(timer);
    socket?.destroy();
  }
}

/** @returns the answer, of which the head is there */
function exchange(
  socket: Socket,
  { url, headers, body }: Post,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest({
      method: 'POST',
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host, 'content-length': body.byteLength },
      createConnection: () => socket,
      maxHeaderSize: MOST_HEAD,
      signal,
    });
    outgoing.once('response', resolve);
    // 101: it speaks something else from here on, which is no answer.
    outgoing.once('upgrade', () => reject(new Error('The receiver switched to another protocol')));
    outgoing.on('error', (error) => reject(signal.aborted ? (signal.reason as Error) : error));
    outgoing.once('close', () => reject(new Error('The connection was closed before the answer')));
    outgoing.end(body);
  });
}

/** Never rejects: its status is known, and that counts. */
function beginningOf(message: IncomingMessage, most: number, ms: number): Promise<Buffer> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (): void => {
      clearTimeout(timer);
      message.destroy();
      resolve(Buffer.concat(chunks).subarray(0, most));
    };
    const timer = setTimeout(end, ms);
    message.on('data', (chunk: Buffer) => {
      chunks.push(chunk);
      size += chunk.length;
      if (size >= most) end();
    });
    message.once('end', end);
    message.on('error', end);
    message.once('close', end);
  });
}

/** Without a character that is cut off at its end. */
function decoded(bytes: Uint8Array, contentType = ''): string {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType)?.[1] ?? 'utf-8';
  let decoder = new TextDecoder();
  try {
    decoder = new TextDecoder(charset);
  } catch {
    // There is no such charset.
  }
  return decoder.decode(bytes, { stream: true });
}

const headersOf = ({ headers }: IncomingMessage): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => (typeof value === 'string' ? [[name, value]] : [])),
  );
