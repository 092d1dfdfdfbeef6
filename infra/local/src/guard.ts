import { spawn } from 'node:child_process';

/** What a guard does when the process that started it dies. */
export interface GuardOrders {
  /** The server it watches over. */
  pid: number;
  signal: NodeJS.Signals;
  /** Removed once the server is gone. */
  temporaryDir?: string | undefined;
}

/** End of file on its stdin tells the guard that the launcher is dead; the word `done` that there is nothing left to do. */
const guardScript = `
read -r word
[ "$word" = done ] && exit 0
kill -s "$2" "$1"
waited=0
while kill -s 0 "$1" 2>/dev/null && [ $waited -lt 300 ]; do sleep 0.1; waited=$((waited + 1)); done
kill -s KILL "$1" 2>/dev/null
[ -z "$3" ] || rm -rf "$3"
`;

/** Starts a waiting `sh` that stops a server should we die without having done so. `release` sends it home. */
export function startGuard({ pid, signal, temporaryDir = '' }: GuardOrders): { release(): void } {
  const guard = spawn('/bin/sh', ['-c', guardScript, 'guard', String(pid), signal.replace(/^SIG/, ''), temporaryDir], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  guard.unref();
  // Released after it ended by itself: nothing to do.
  guard.stdin.on('error', () => undefined);
  return { release: () => guard.stdin.end('done\n') };
}
