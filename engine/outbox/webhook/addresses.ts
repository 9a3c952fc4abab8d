// Which addresses a webhook may go to (SSRF): those of the public internet, and of the own network only where it is allowed.
// Invariants: what is in no list of public addresses is not public; every way to write an IPv4 address inside an IPv6 one
// counts as that address.
// Source: IANA's special-purpose address registries (RFC 6890, 8190), RFC 6052 (NAT64), RFC 3056 (6to4).
import { isIP, isIPv4 } from 'node:net';

/**
 * - `public`: of the internet;
 * - `own`: loopback, private, shared (CGNAT), unique local: asked only where it is allowed;
 * - `never`: link-local and with it the clouds' metadata, multicast, unspecified, reserved: no receiver is there.
 */
export type AddressKind = 'public' | 'own' | 'never';

type Range = readonly [network: string, bits: number];

/** Of the clouds, in ranges that would be allowed: Alibaba's, Azure's, AWS's (EC2, EKS), Google's, Scaleway's. */
const METADATA: readonly Range[] = [
  ['100.100.100.200', 32],
  ['168.63.129.16', 32],
  ['fd00:ec2::254', 128],
  ['fd00:ec2::23', 128],
  ['fd20:ce::254', 128],
  ['fd00:42::42', 128],
];

const OWN: readonly Range[] = [
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['::1', 128],
  ['fc00::', 7],
];

const NEVER_V4: readonly Range[] = [
  ['0.0.0.0', 8],
  ['169.254.0.0', 16],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** Within 2000::/3, which is all that is public of IPv6. */
const NEVER_V6: readonly Range[] = [
  // Teredo, ORCHID, benchmarking and others of the IETF.
  ['2001::', 23],
  ['2001:db8::', 32],
  ['3fff::', 20],
];

/** An IPv4 address is in it, from this byte on. */
const EMBEDDING: readonly (readonly [network: string, bits: number, at: number])[] = [
  ['::ffff:0:0', 96, 12],
  ['::ffff:0:0:0', 96, 12],
  ['64:ff9b::', 96, 12],
  ['2002::', 16, 2],
];

/** @param address as the system or DNS gives it; with a zone (`%eth0`), too */
export function addressKind(address: string): AddressKind {
  const text = address.split('%', 1)[0]!;
  if (isIP(text) === 0) return 'never';
  return kindOf(bytesOf(text));
}

/** @returns whether nothing may go there */
export const isRefused = (kind: AddressKind, allowOwnNetwork: boolean): boolean =>
  kind === 'never' || (kind === 'own' && !allowOwnNetwork);

/**
 * Of a URL's host (`URL.hostname`, where decimal, octal, hex and short forms are dotted ones already).
 * @returns the address that it is, without asking anybody; null: it is a name
 */
export function literalAddress(hostname: string): string | null {
  const host = hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.$/, '');
  if (isIP(host) !== 0) return host;
  // RFC 6761: no matter what a resolver says.
  return host === 'localhost' || host.endsWith('.localhost') ? '127.0.0.1' : null;
}

function kindOf(bytes: Buffer): AddressKind {
  if (isIn(METADATA, bytes)) return 'never';
  if (isIn(OWN, bytes)) return 'own';
  if (bytes.length === 4) return isIn(NEVER_V4, bytes) ? 'never' : 'public';
  const embedding = EMBEDDING.find(([network, bits]) => isIn([[network, bits]], bytes));
  if (embedding) return kindOf(bytes.subarray(embedding[2], embedding[2] + 4));
  return isIn([['2000::', 3]], bytes) && !isIn(NEVER_V6, bytes) ? 'public' : 'never';
}

const isIn = (ranges: readonly Range[], bytes: Buffer): boolean =>
  ranges.some(([network, bits]) => {
    const wanted = bytesOf(network);
    if (wanted.length !== bytes.length) return false;
    const whole = bits >> 3;
    if (!wanted.subarray(0, whole).equals(bytes.subarray(0, whole))) return false;
    const mask = (0xff00 >> (bits & 7)) & 0xff;
    return mask === 0 || (wanted[whole]! & mask) === (bytes[whole]! & mask);
  });

/** @param address a valid one */
function bytesOf(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number));
  const [head, tail] = address.split('::') as [string, string?];
  const before = groupsOf(head);
  const after = groupsOf(tail ?? '');
  const groups = [...before, ...Array<number>(8 - before.length - after.length).fill(0), ...after];
  return Buffer.from(groups.flatMap((group) => [group >> 8, group & 0xff]));
}

/** Of 16 bits; its last may be a dotted IPv4 address. */
const groupsOf = (part: string): number[] =>
  part === ''
    ? []
    : part.split(':').flatMap((group) => {
        if (!group.includes('.')) return [parseInt(group, 16)];
        const [one, two, three, four] = group.split('.').map(Number) as [number, number, number, number];
        return [(one << 8) | two, (three << 8) | four];
      });
