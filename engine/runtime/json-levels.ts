// How deep JSON may be that others send or note: nobody means more levels, databases take less than Node.js does, each another
// number, and whatever goes through them one within another runs out of stack.

export const MOST_JSON_LEVELS = 100;

/** Level by level, so that no depth is too much. @param parsed of JSON: each list and object stands in one place */
export function isTooDeep(parsed: unknown): boolean {
  let level = [parsed].filter(hasMembers);
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > MOST_JSON_LEVELS) return true;
    level = level.flatMap((one) => Object.values(one) as unknown[]).filter(hasMembers);
  }
  return false;
}

const hasMembers = (value: unknown): value is object => typeof value === 'object' && value !== null;
