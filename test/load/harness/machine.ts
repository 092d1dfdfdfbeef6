import { execFileSync } from 'node:child_process';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { embeddedPostgres, redisBinary } from '@slacktide/local';

/** What the figures were taken on, without names or places. */
export function describeMachine(): string {
  const [cpu] = cpus();
  const memoryGib = Math.round(totalmem() / 2 ** 30);
  const system = `${type()} ${release().split('-')[0]}`;
  return `${availableParallelism()} cores (${cpu?.model.trim() || 'unnamed'}), ${memoryGib} GiB, ${system}, Node ${process.versions.node}, ${redisVersion()}, PostgreSQL ${postgresVersion()}`;
}

function redisVersion(): string {
  const text = execFileSync(
    redisBinary(() => undefined),
    ['--version'],
    { encoding: 'utf8' },
  );
  return `Redis ${/v=([\d.]+)/.exec(text)?.[1] ?? 'of unknown version'}`;
}

function postgresVersion(): string {
  const text = execFileSync(`${embeddedPostgres(18, import.meta.url)}/bin/postgres`, ['--version'], {
    encoding: 'utf8',
  });
  return /([\d.]+)\s*$/.exec(text)?.[1] ?? '18';
}
