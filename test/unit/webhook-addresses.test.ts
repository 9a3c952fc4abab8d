// Where webhooks may go: no way to write an address, in a URL or in DNS, leads to the own network.
import assert from 'node:assert/strict';
import { BlockList, isIP } from 'node:net';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { addressKind, literalAddress } from '../../engine/outbox/webhook/addresses';
import { checkedUrl, WebhookFault } from '../../engine/outbox/webhook/webhook-url';

const REFUSE = { allowOwnNetwork: false };
const ALLOW = { allowOwnNetwork: true };

const refused = (url: string, settings = REFUSE): boolean => {
  try {
    checkedUrl(url, settings);
    return false;
  } catch (error) {
    assert.ok(error instanceof WebhookFault, String(error));
    return true;
  }
};

const octet = fc.integer({ min: 0, max: 255 });
const loopback = fc.tuple(fc.constant(127), octet, octet, octet);
const tenth = fc.tuple(fc.constant(10), octet, octet, octet);
const twelfth = fc.tuple(fc.constant(172), fc.integer({ min: 16, max: 31 }), octet, octet);
const sixteenth = fc.tuple(fc.constant(192), fc.constant(168), octet, octet);
const shared = fc.tuple(fc.constant(100), fc.integer({ min: 64, max: 127 }), octet, octet);
const link = fc.tuple(fc.constant(169), fc.constant(254), octet, octet);
const many = fc.tuple(fc.integer({ min: 224, max: 255 }), octet, octet, octet);
const none = fc.tuple(fc.constant(0), octet, octet, octet);
const inside = fc.oneof(loopback, tenth, twelfth, sixteenth, shared, link, many, none);

const dotted = (parts: readonly number[]): string => parts.join('.');
const numberOf = (parts: readonly number[]): number => parts.reduce((sum, part) => sum * 256 + part, 0);
const hex = (part: number): string => part.toString(16).padStart(2, '0');
const groups = ([a, b, c, d]: readonly number[]): string => `${hex(a!)}${hex(b!)}:${hex(c!)}${hex(d!)}`;

/** How people, and those who attack, write an IPv4 address. */
const SPELLINGS: Readonly<Record<string, (parts: readonly number[]) => string>> = {
  dotted,
  'with a dot at its end': (parts) => `${dotted(parts)}.`,
  decimal: (parts) => String(numberOf(parts)),
  hex: (parts) => `0x${numberOf(parts).toString(16)}`,
  octal: (parts) => `0${numberOf(parts).toString(8)}`,
  'hex parts': (parts) => parts.map((part) => `0x${part.toString(16)}`).join('.'),
  'octal parts': (parts) => parts.map((part) => `0${part.toString(8)}`).join('.'),
  short: ([a, b, c, d]) => `${a!}.${b!}.${c! * 256 + d!}`,
  shorter: ([a, b, c, d]) => `${a!}.${(b! * 256 + c!) * 256 + d!}`,
  'full-width': (parts) =>
    dotted(parts).replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit))),
  mapped: (parts) => `[::ffff:${dotted(parts)}]`,
  'mapped, in hex': (parts) => `[::ffff:${groups(parts)}]`,
  compatible: (parts) => `[::${groups(parts)}]`,
  NAT64: (parts) => `[64:ff9b::${groups(parts)}]`,
  '6to4': (parts) => `[2002:${groups(parts)}::1]`,
  SIIT: (parts) => `[::ffff:0:${groups(parts)}]`,
};

describe('Addresses that webhooks may go to', () => {
  for (const [spelling, write] of Object.entries(SPELLINGS)) {
    it(`an address of the own network is refused, written ${spelling}`, () => {
      fc.assert(
        fc.property(inside, fc.constantFrom('http', 'https'), (parts, scheme) =>
          refused(`${scheme}://${write(parts)}/hook`),
        ),
      );
    });
  }

  it('no address of the special ranges counts as public, and every other one of IPv4 does', () => {
    const special = new BlockList();
    const RANGES: readonly (readonly [string, number])[] = [
      ...([
        ['0.0.0.0', 8],
        ['10.0.0.0', 8],
        ['100.64.0.0', 10],
        ['127.0.0.0', 8],
      ] as const),
      ...([
        ['169.254.0.0', 16],
        ['172.16.0.0', 12],
        ['192.0.0.0', 24],
        ['192.0.2.0', 24],
      ] as const),
      ...([
        ['192.88.99.0', 24],
        ['192.168.0.0', 16],
        ['198.18.0.0', 15],
        ['198.51.100.0', 24],
      ] as const),
      ...([
        ['203.0.113.0', 24],
        ['224.0.0.0', 3],
        ['168.63.129.16', 32],
      ] as const),
    ];
    for (const [network, bits] of RANGES) special.addSubnet(network, bits, 'ipv4');
    fc.assert(
      fc.property(fc.oneof(inside, fc.tuple(octet, octet, octet, octet)), (parts) => {
        const address = dotted(parts);
        assert.equal(addressKind(address) !== 'public', special.check(address, 'ipv4'), address);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of IPv6 only global unicast is public', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const first = parseInt(address.split(':', 1)[0]! || '0', 16);
        const isNat64 = first === 0x64;
        if (addressKind(address) === 'public' && !isNat64)
          assert.ok(first >> 13 === 1 || first === 0, address);
      }),
      { numRuns: 2_000 },
    );
    const KINDS = {
      '2606:4700:4700::1111': 'public',
      '64:ff9b::8.8.8.8': 'public',
      '::ffff:8.8.8.8': 'public',
      '2002:808:808::': 'public',
      '::1': 'own',
      'fd12:3456::1': 'own',
      'fc00::': 'own',
      '::': 'never',
      'fe80::1%eth0': 'never',
      'fec0::1': 'never',
      'ff02::1': 'never',
      '2001:db8::1': 'never',
      '2001::1': 'never',
      '64:ff9b:1::a00:1': 'never',
      '100::1': 'never',
      '3fff::1': 'never',
      '5f00::1': 'never',
      'fd00:ec2::254': 'never',
      'fd00:ec2::23': 'never',
      'fd20:ce::254': 'never',
      'fd00:42::42': 'never',
    } as const;
    for (const [address, kind] of Object.entries(KINDS)) assert.equal(addressKind(address), kind, address);
  });

  it('what is no address is none that may be asked', () => {
    fc.assert(
      fc.property(fc.string(), (text) => isIP(text.split('%', 1)[0]!) !== 0 || addressKind(text) === 'never'),
    );
  });

  it('allowed, addresses of the own network are asked, but never metadata, multicast, or none', () => {
    for (const host of ['127.0.0.1', 'localhost', '10.1.2.3', '[::1]', '[fd00::5]', '100.64.0.1']) {
      assert.ok(refused(`http://${host}/`), host);
      assert.ok(!refused(`http://${host}/`, ALLOW), host);
    }
    for (const host of [
      '169.254.169.254',
      '0.0.0.0',
      '224.0.0.1',
      '[::]',
      '[fe80::1]',
      '100.100.100.200',
      '2852039166',
    ]) {
      assert.ok(refused(`http://${host}/`, ALLOW), host);
    }
  });

  it('a name of this machine is an address, whatever a resolver says', () => {
    for (const name of ['localhost', 'LOCALHOST', 'localhost.', 'a.localhost', 'a.localhost.']) {
      assert.ok(refused(`https://${name}:8080/`), name);
    }
    assert.equal(literalAddress('localhost.example.com'), null);
  });
});
