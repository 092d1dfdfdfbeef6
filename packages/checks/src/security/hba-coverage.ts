import type { HbaRule } from './facts.ts';

/** How a connection comes: by the Unix socket, or by TCP in plain text, over TLS or with GSSAPI encryption. */
export type Transport = 'local' | 'plain' | 'tls' | 'gss';

const transports: Readonly<Record<string, readonly Transport[]>> = {
  local: ['local'],
  host: ['plain', 'tls', 'gss'],
  hostssl: ['tls'],
  hostnossl: ['plain', 'gss'],
  hostgssenc: ['gss'],
  hostnogssenc: ['plain', 'tls'],
};

/** A set of addresses: numbers under a mask, or a word that only equals itself. */
type Addresses = { readonly bits: number; readonly base: bigint; readonly mask: bigint } | { readonly word: string };

const everywhere: readonly Addresses[] = [
  { bits: 32, base: 0n, mask: 0n },
  { bits: 128, base: 0n, mask: 0n },
];

/** Ways in which a rule lets somebody ask to come in, that no rule before it has settled. */
export function openTransports(rule: HbaRule, earlier: readonly HbaRule[]): Transport[] {
  if (rule.error !== null) return [];
  const before = earlier.filter(({ error }) => error === null);
  return (transports[rule.type ?? ''] ?? []).filter((transport) =>
    addressesOf(rule).some((addresses) =>
      rule.databases.some((database) =>
        rule.users.some(
          (user) =>
            !before.some(
              (other) =>
                (transports[other.type ?? ''] ?? []).includes(transport) &&
                covers(other.databases, database, ['replication']) &&
                covers(other.users, user, []) &&
                addressesOf(other).some((wider) => contains(wider, addresses)),
            ),
        ),
      ),
    ),
  );
}

/** Whether a name, keyword or pattern is among `names`, or `all` of them, which leaves `except` out. */
function covers(names: readonly string[], name: string, except: readonly string[]): boolean {
  return names.includes(name) || (names.includes('all') && !except.includes(name));
}

/** True when every address of some IP version is let in. */
export function isFromAnywhere(rule: HbaRule): boolean {
  return addressesOf(rule).some((addresses) => 'mask' in addresses && addresses.mask === 0n);
}

/** True when only the server's own machine can match. */
export function isLocal(rule: HbaRule): boolean {
  if (rule.type === 'local') return true;
  return addressesOf(rule).every((addresses) =>
    'word' in addresses
      ? ['samehost', 'localhost'].includes(addresses.word)
      : loopback.some((range) => contains(range, addresses)),
  );
}

const loopback: readonly Addresses[] = [
  { bits: 32, base: 0x7f000000n, mask: 0xff000000n },
  { bits: 128, base: 1n, mask: 2n ** 128n - 1n },
];

function addressesOf({ type, address, addressHex, netmaskHex }: HbaRule): readonly Addresses[] {
  if (type === 'local') return [{ word: 'local' }];
  if (address === 'all') return everywhere;
  if (addressHex === null || netmaskHex === null) return [{ word: address ?? '' }];
  const mask = BigInt(`0x${netmaskHex}`);
  return [{ bits: addressHex.length * 4, base: BigInt(`0x${addressHex}`) & mask, mask }];
}

function contains(wider: Addresses, narrower: Addresses): boolean {
  if ('word' in wider) return 'word' in narrower && wider.word === narrower.word;
  // A name may be any address, so only a rule for every address of both versions covers it; few write that without `all`.
  if ('word' in narrower) return false;
  return (
    wider.bits === narrower.bits &&
    (wider.mask & narrower.mask) === wider.mask &&
    (narrower.base & wider.mask) === wider.base
  );
}
