// The names by which a console on a port of its own may be asked: its `Host`.
// Invariant: a name that somebody else can let lead here is none of them, so that no page of theirs is on the console's
// origin (DNS rebinding); an address is nobody's name.
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** @param names of its settings: they are its own, too @returns whether a request may have this `Host` */
export function ownNames(names: readonly string[]): (host: string) => boolean {
  const own = new Set([...names, 'localhost', hostname()].map((name) => name.toLowerCase()));
  return (host) => {
    const [, address, name] = /^(?:\[([\da-f:.]+)\]|([^:[\]/@\s]+))(?::\d{1,5})?$/i.exec(host) ?? [];
    if (address !== undefined) return isIP(address) === 6;
    return name !== undefined && (isIP(name) === 4 || own.has(name.toLowerCase().replace(/\.$/, '')));
  };
}
