// What has to fit in memory, or in one command, together.

/**
 * The items in their order, in groups: none holds more than `mostBytes` in all, but where a single item does, nor
 * more than `mostItems`.
 * @param sizeOf octets
 */
export function groupedBySize<T>(
  items: readonly T[],
  sizeOf: (item: T) => number,
  mostBytes: number,
  mostItems = Infinity,
): T[][] {
  const groups: T[][] = [];
  let bytes = Infinity;
  for (const item of items) {
    const size = sizeOf(item);
    if (bytes + size > mostBytes || groups.at(-1)!.length >= mostItems) {
      groups.push([]);
      bytes = 0;
    }
    groups.at(-1)!.push(item);
    bytes += size;
  }
  return groups;
}
