// UIDs as a command names them: a sequence set (RFC 3501, 9).

/** @param uids ascending, each once @returns such as `3:7,9` */
export function sequenceSet(uids: readonly number[]): string {
  const runs: string[] = [];
  for (let at = 0; at < uids.length;) {
    const first = uids[at]!;
    let last = first;
    while (uids[++at] === last + 1) last++;
    runs.push(first === last ? `${first}` : `${first}:${last}`);
  }
  return runs.join(',');
}
