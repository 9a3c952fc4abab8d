// What counts for the whole process, whichever copy of this package asks: n8n may load a second copy after an update
// while old triggers keep the first. Kept on globalThis; the version in the name keeps copies of different shape apart.
// Invariant: a name has one value in a process, made when it is first asked for.

/** @param name of what is kept, with the version of its shape, such as `gmail-quota/1` */
export function processWide<T>(name: string, make: () => T): T {
  const global = globalThis as unknown as Record<symbol, T | undefined>;
  return (global[Symbol.for(`n8n-nodes-durable-mail/${name}`)] ??= make());
}
