// What large buffers hold is given back at once, where it is known that nobody needs it any more: a garbage collection comes
// when there is little of V8's own memory left, which buffers lie outside of.
// Invariant: the pool that Node.js makes small buffers of is never given back.

type Transferable = ArrayBufferLike & { transfer?(length: number): unknown };

/** Nobody reads any of the memory that it lies in: it is empty from here on, and so is what else lies there. */
export function letGo({ buffer: memory }: Buffer): void {
  if (memory.byteLength <= Buffer.poolSize) return;
  // ES2024; in Node.js from 21 on.
  (memory as Transferable).transfer?.(0);
}

/** Whether it has its memory for itself. */
export const isAlone = ({ byteLength, buffer }: Buffer): boolean => byteLength === buffer.byteLength;
