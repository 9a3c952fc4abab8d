// How much is done in one turn of the event loop. Counted, not timed: how long a turn takes is up to what else the machine does.

/** @param work calls `did` for each thing it does. @returns the most that were done between two turns */
export async function mostInATurn(work: (did: () => void) => Promise<unknown>): Promise<number> {
  let most = 0;
  let done = 0;
  let isOver = false;
  const turn = (): void => {
    done = 0;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  try {
    await work(() => {
      done += 1;
      most = Math.max(most, done);
    });
  } finally {
    isOver = true;
  }
  return most;
}
