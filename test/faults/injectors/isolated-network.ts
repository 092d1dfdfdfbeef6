import { spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { runCommand } from './run-command.ts';

/** What gets lost on the way: what the inside says, what it would be told, or both. Nothing is ever refused or reset. */
export type Lost = 'requests' | 'answers' | 'both';

/** A network namespace for processes that are to be cut off from some of the servers on 127.0.0.1, by real packet loss. */
export interface IsolatedNetwork {
  /** Goes before a command to run it inside. */
  readonly enter: readonly string[];
  /** The inside's own address, where its servers are reached from outside. */
  readonly address: string;
  /** From now on TCP packets to and from these ports get lost; connections stay open on both ends. */
  cut(ports: readonly number[], lost: Lost): Promise<void>;
  /** Everything passes again. */
  heal(): Promise<void>;
  /** Removes every trace; the processes inside must have ended. */
  close(): Promise<void>;
}

/**
 * Opens a namespace in which `127.0.0.1:<port>` leads to the same port of the machine's own loopback, for the given ports
 * and no others. A wire (veth) joins the two; addresses are translated at both ends, so that nothing needs to listen
 * beyond loopback and the processes inside need no other addresses than those outside.
 *
 * Should this process die, a waiting `sh` removes the namespace.
 */
export async function openIsolatedNetwork(ports: readonly number[]): Promise<IsolatedNetwork> {
  const id = randomBytes(4).toString('hex');
  const names = { namespace: `slacktide-${id}`, outside: `st${id}o`, inside: `st${id}i` };
  const subnet = `10.213.${randomInt(256)}.${randomInt(64) * 4}`.split('.').map(Number);
  const at = (host: number): string => [...subnet.slice(0, 3), (subnet[3] ?? 0) + host].join('.');
  const [outside, inside] = [at(1), at(2)];
  const enter = ['ip', 'netns', 'exec', names.namespace];
  const within = async (command: string, ...args: string[]): Promise<void> => {
    await runCommand('ip', [...enter.slice(1), command, ...args]);
  };
  const list = ports.join(',');
  const entry = ['PREROUTING', '-i', names.outside, '-p', 'tcp', '-m', 'multiport', '--dports', list];
  const rules = [
    [...entry, '-j', 'DNAT', '--to-destination', '127.0.0.1'],
    // Servers on loopback expect their clients there, too (pg_hba.conf).
    ['INPUT', '-s', inside, '-p', 'tcp', '-j', 'SNAT', '--to-source', '127.0.0.1'],
  ];

  const guard = startNetworkGuard(names.namespace, rules);
  const close = async (): Promise<void> => {
    for (const rule of rules) await runCommand('iptables', ['-w', '-t', 'nat', '-D', ...rule]).catch(() => undefined);
    await runCommand('ip', ['netns', 'delete', names.namespace]).catch(() => undefined);
    guard.release();
  };
  try {
    await runCommand('ip', ['netns', 'add', names.namespace]);
    const ends = [names.outside, 'type', 'veth', 'peer', 'name', names.inside, 'netns', names.namespace];
    await runCommand('ip', ['link', 'add', ...ends]);
    await runCommand('ip', ['address', 'add', `${outside}/30`, 'dev', names.outside]);
    await runCommand('ip', ['link', 'set', names.outside, 'up']);
    await within('ip', 'address', 'add', `${inside}/30`, 'dev', names.inside);
    await within('ip', 'link', 'set', names.inside, 'up');
    await within('ip', 'link', 'set', 'lo', 'up');
    // Packets for 127.0.0.1 may cross the wire: in this namespace, and outside only on this wire.
    await within('sysctl', '-q', '-w', 'net.ipv4.conf.all.route_localnet=1');
    await runCommand('sysctl', ['-q', '-w', `net.ipv4.conf.${names.outside}.route_localnet=1`]);
    for (const rule of rules) await runCommand('iptables', ['-w', '-t', 'nat', '-A', ...rule]);
    const leaving = ['OUTPUT', '-d', '127.0.0.1', '-p', 'tcp', '-m', 'multiport', '--dports', list];
    await within('iptables', '-w', '-t', 'nat', '-A', ...leaving, '-j', 'DNAT', '--to-destination', outside);
    await within('iptables', '-w', '-t', 'nat', '-A', 'POSTROUTING', '-o', names.inside, '-j', 'MASQUERADE');
  } catch (error) {
    await close();
    throw error;
  }

  return {
    enter,
    address: inside,
    async cut(cutPorts, lost) {
      const drop = (chain: string, side: string): Promise<void> =>
        within('iptables', '-w', '-A', chain, '-p', 'tcp', '-m', 'multiport', side, cutPorts.join(','), '-j', 'DROP');
      if (lost !== 'answers') await drop('OUTPUT', '--dports');
      if (lost !== 'requests') await drop('INPUT', '--sports');
    },
    heal: () => within('iptables', '-w', '-F'),
    close,
  };
}

/** End of file on its stdin tells it that we are dead. */
function startNetworkGuard(namespace: string, rules: readonly (readonly string[])[]): { release(): void } {
  const script = `
    namespace=$1; read -r word
    [ "$word" = done ] && exit 0
    ${rules.map((rule) => `iptables -w -t nat -D ${rule.join(' ')}`).join('\n')}
    ip netns pids "$namespace" | xargs -r kill -KILL
    ip netns delete "$namespace"`;
  const guard = spawn('/bin/sh', ['-c', script, 'guard', namespace], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
    env: { PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  guard.unref();
  guard.stdin.on('error', () => undefined); // it ended by itself
  return { release: () => guard.stdin.end('done\n') };
}
