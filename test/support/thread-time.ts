// The processor's time of this thread: what else the machine does meanwhile does not count, as it would by any clock.

/** ms. */
export function threadTime(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1_000;
}

/** Holds the thread for so long, or one tick of the system's clock, by which it counts: some milliseconds. */
export function busy(ms: number): void {
  for (const until = threadTime() + ms; threadTime() < until;);
}
