// A sender for tests: posts the key of an entry to a receiver that counts, over one connection for each.
// It says what it knows: an answer, or that it was not reached, or that nobody knows.
import { request } from 'node:http';
import type { Sender, TryEnd } from '../../../engine/outbox/sender';

export const postingSender = (kind: string, url: string): Sender => ({
  kind,
  limits: () => ({ mostAtOnce: 4, mostAMinute: null }),
  schedule: () => ({ connection: [50, 100, 200, 400], refused: [50, 100, 200, 400] }),
  inDoubt: () => (kind === 'again' ? 'again' : 'aside'),
  send: async ({ key }, { handOver, signal }) => {
    if (!(await handOver())) return { end: 'returned', error: 'not ours', afterMs: 0 };
    return post(`${url}/${kind}/${key}`, signal);
  },
});

const post = (url: string, signal: AbortSignal): Promise<TryEnd> =>
  new Promise((resolve) => {
    const posting = request(url, { method: 'POST', agent: false, signal }, (answer) => {
      answer.resume();
      resolve(
        answer.statusCode === 200
          ? { end: 'sent', answer: '200' }
          : { end: 'failed', error: `it answered ${answer.statusCode}`, why: 'refused' },
      );
    });
    posting.on('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ECONNREFUSED'
          ? { end: 'failed', error: error.message, why: 'connection' }
          : { end: 'unknown', error: error.message },
      ),
    );
    posting.end();
  });
