// Reads server-sent events out of a stream of text, wherever it is cut.
// Invariant: a frame is handed on once it is complete; one that was cut off by the end of the stream is dropped, since whoever
// resumes is sent it again.

interface Frame {
  readonly event: string;
  readonly data: string;
  /** null: it has none, and nothing is resumed after it. */
  readonly id: string | null;
}

export interface Heard {
  readonly frame: (frame: Frame) => void;
  /** All that came up to this id was told, and none of it was asked for. */
  readonly told: (id: string) => void;
  /** How long to wait before joining again, ms. */
  readonly retry: (ms: number) => void;
}

/** @returns what takes the pieces of the text, in order */
export function frameReader({ frame, told, retry }: Heard): (piece: string) => void {
  let rest = '';
  let event = '';
  let data: string[] = [];
  let id: string | null = null;

  const line = (text: string): void => {
    if (text === '') {
      if (data.length > 0) frame({ event: event || 'message', data: data.join('\n'), id });
      else if (id !== null) told(id);
      event = '';
      data = [];
      id = null;
      return;
    }
    const colon = text.indexOf(':');
    const field = colon < 0 ? text : text.slice(0, colon);
    const value = colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, '');
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
    else if (field === 'id') id = value;
    else if (field === 'retry' && /^\d+$/.test(value)) retry(Number(value));
  };

  return (piece) => {
    const lines = (rest + piece).split('\n');
    rest = lines.pop() ?? '';
    for (const text of lines) line(text.endsWith('\r') ? text.slice(0, -1) : text);
  };
}
