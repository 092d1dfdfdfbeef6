import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine } from './harness/machine.ts';
import { type KeptResult, overview, replaceReport, section } from './harness/report.ts';
import { runChild } from './harness/run-child.ts';

/** In the order in which they run. */
const names = [
  'jobs-per-second',
  'sequential-tasks',
  'tick-lateness',
  'ticks-at-once',
  'create-schedule',
  'rebuild-timers',
  'list-jobs',
  'memory',
  'idle-and-cold-start',
  'worker-kill',
  'cancel',
  'checks',
  'beside-acting',
];

/** A benchmark takes two minutes or so; one that takes this long hangs. */
const limitMs = 6 * 60_000;

const usage = `usage: pnpm bench [--quick] [--no-report] [NAME…]
  Runs the benchmarks (all by default) one after the other and writes docs/performance.md.
  --quick      a few seconds each, to see that they run; writes no report
  --no-report  prints only
names: ${names.join(', ')}
`;

const reportFile = new URL('../../docs/performance.md', import.meta.url);
/** The figures of the report, so that a single benchmark can be run again. */
const resultsFile = new URL('./results.json', import.meta.url);

const { values, positionals } = parseArgs({
  options: { quick: { type: 'boolean' }, 'no-report': { type: 'boolean' }, help: { type: 'boolean' } },
  allowPositionals: true,
});
const unknown = positionals.filter((name) => !names.includes(name));
if (values.help === true || unknown.length > 0) {
  process.stderr.write(unknown.length > 0 ? `no benchmark ${unknown.join(', ')}\n${usage}` : usage);
  process.exit(unknown.length > 0 ? 2 : 0);
}

const quick = values.quick === true;
const machine = describeMachine();
const results: KeptResult[] = [];
const failures: string[] = [];
for (const name of positionals.length > 0 ? positionals : names) {
  process.stderr.write(`${name} …\n`);
  const started = performance.now();
  try {
    const measured = await runChild(name, { quick, limitMs });
    const seconds = (performance.now() - started) / 1000;
    const result = { name, day: new Date().toISOString().slice(0, 10), machine, seconds, ...measured };
    results.push(result);
    process.stdout.write(`${section(result)}\n`);
  } catch (error) {
    failures.push(name);
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
}
if (!quick && values['no-report'] !== true) writeReport();
if (failures.length > 0) process.stderr.write(`failed: ${failures.join(', ')}\n`);
process.exit(failures.length > 0 ? 1 : 0);

/** New results replace those of the same name; the rest of the report stays as it was. */
function writeReport(): void {
  const kept: KeptResult[] = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];
  const all = names.flatMap(
    (name) => results.find((each) => each.name === name) ?? kept.find((each) => each.name === name) ?? [],
  );
  writeFileSync(resultsFile, `${JSON.stringify(all, undefined, 1)}\n`);
  const report = [overview(all), ...all.map(section)].join('\n\n').trimEnd();
  writeFileSync(reportFile, replaceReport(readFileSync(reportFile, 'utf8'), report));
}
