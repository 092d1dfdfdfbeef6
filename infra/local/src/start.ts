import { readConfig } from './config.ts';
import type { DevFile } from './dev-file.ts';
import type { Home } from './home.ts';
import { startStack } from './stack.ts';
import { supervisor } from './supervisor.ts';

// `npm start`: the whole of Slacktide on this machine, with a demo database to take care of. Ctrl-C ends it in order.

const startedAt = performance.now();
const stopRequested = new AbortController();

function requestStop(why: string): void {
  if (stopRequested.signal.aborted) {
    console.log('still stopping: what runs is given time to end in order');
    return;
  }
  console.log(`\nstopping (${why}): worker, control plane, Redis, PostgreSQL`);
  stopRequested.abort();
}

async function run(): Promise<void> {
  await using parts = supervisor();
  const { signal } = stopRequested;
  const log = (line: string): void => console.log(`  ${line}`);
  announce(await startStack({ config: readConfig(), parts, signal, log }));
  await Promise.race([parts.failed, aborted(signal)]);
}

function announce({ dev, home }: { dev: DevFile; home: Home }): void {
  console.log(`
Slacktide runs (ready after ${((performance.now() - startedAt) / 1000).toFixed(1)} s)

  URL         ${dev.url}
  API pages   ${dev.url}/docs
  admin key   ${dev.api_key}
  all of it   ${home.devFile}
  logs        ${home.logDir}

Try:   curl -H 'Authorization: Bearer ${dev.api_key}' ${dev.url}/api/v1/maintenance/health
Stop:  Ctrl-C (the data stay)
`);
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    else signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => requestStop(signal));
// The bootstrap that started us is dead.
const onDisconnect = (): void => requestStop('its parent process ended');
process.on('disconnect', onDisconnect);
// A terminal or pipe that went away must not keep us from stopping in order.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);

try {
  await run();
} catch (error) {
  if (error === stopRequested.signal.reason) {
    console.log('stopped; the data are kept for the next start');
  } else {
    console.error(`\nslacktide: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 1;
  }
}
process.off('disconnect', onDisconnect);
if (process.connected) process.disconnect();
