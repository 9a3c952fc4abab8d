// One connection to the feed, read with fetch: an EventSource could not log in.
// Invariant: it ends by an end of the stream, by an error or by silence (the feed says something every 20 s), never by itself.
import type { ViewRequest } from '../../engine/console/api';
import { authorized, refuse } from '../api/request';
import { HOME } from '../api/settings';
import { frameReader, type Heard } from './frames';

/** More than two of the feed's comments. */
const SILENCE_MS = 50_000;

export interface Listener extends Heard {
  /** It was let in. */
  readonly open: () => void;
}

export interface Joining {
  /** The id that it goes on after; null: from now on. */
  readonly after: string | null;
  /** What is asked along with it, and answered by the frame `answers`; null: nothing can be. */
  readonly asks: readonly string[] | null;
}

/**
 * Until the feed ends it: it does so after some minutes, and is to be joined again.
 * @throws Unanswered where it is not let in; what the network says; what the signal says
 */
export async function hear(joining: Joining, listener: Listener, signal: AbortSignal): Promise<void> {
  const silence = new AbortController();
  let timer: number | undefined;
  const heard = (): void => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new Error('The feed fell silent.')), SILENCE_MS);
  };
  heard();
  try {
    const both = AbortSignal.any([signal, silence.signal]);
    const response = await join(joining, both);
    if (!response.ok || !response.body) refuse(response.status, await response.json().catch(() => null));
    listener.open();
    const read = frameReader(listener);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      heard();
      read(value);
    }
  } finally {
    clearTimeout(timer);
  }
}

function join({ after, asks }: Joining, signal: AbortSignal): Promise<Response> {
  if (asks === null) {
    const headers = { Accept: 'text/event-stream', ...(after === null ? {} : { 'Last-Event-ID': after }) };
    return fetch(`${HOME}/events`, authorized({ headers, signal }));
  }
  const view: ViewRequest = { asks, ...(after === null ? {} : { since: after }) };
  return fetch(`${HOME}/api/view`, authorized({ method: 'POST', body: JSON.stringify(view), signal }));
}
