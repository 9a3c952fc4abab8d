// What a test has set up, to be taken down in reverse order, however far it came.

export class Cleanup {
  readonly #steps: (() => Promise<unknown>)[] = [];

  /** Remembers how to take it down. @returns it */
  async of<T extends { dispose(): Promise<unknown> } | { close(): Promise<unknown> }>(
    made: Promise<T>,
  ): Promise<T> {
    const thing = await made;
    this.#steps.push(() => ('dispose' in thing ? thing.dispose() : thing.close()));
    return thing;
  }

  async run(): Promise<void> {
    const failures: unknown[] = [];
    for (const step of this.#steps.splice(0).reverse())
      await step().catch((error: unknown) => failures.push(error));
    if (failures.length > 0) throw new AggregateError(failures, 'What a test set up could not be taken down');
  }
}
