import type { BenchmarkResult, Row } from './benchmark.ts';
import { type Spread, spread } from './statistics.ts';

/** A benchmark's result as it is kept, to write the whole report when only one was run again. */
export interface KeptResult extends BenchmarkResult {
  readonly name: string;
  readonly title: string;
  /** Day of the run, UTC. */
  readonly day: string;
  readonly machine: string;
  readonly seconds: number;
}

/** A benchmark's section of the report, in Markdown. */
export function section({ name, title, day, machine, seconds, rows, notes, calibrationMs }: KeptResult): string {
  const calibration = calibrationMs.length === 0 ? '' : ` Calibration loop: ${show(spread(calibrationMs))} ms.`;
  return [
    `### ${title}`,
    '',
    `\`pnpm bench ${name}\`; ${day}, ${Math.round(seconds)} s, on ${machine}.${calibration}`,
    '',
    '| goal | what | Slacktide | reference | ratio | wanted | |',
    '|---|---|---|---|---|---|---|',
    ...rows.map(line),
    '',
    ...notes.map((note) => `${note}\n`),
  ].join('\n');
}

/** All goals in one table. */
export function overview(results: readonly KeptResult[]): string {
  const rows = results
    .flatMap(({ rows }) => rows.filter(({ goal }) => goal !== ''))
    .toSorted((a, b) => Number(a.goal.slice(1)) - Number(b.goal.slice(1)));
  return [
    '| goal | what | measured | wanted | |',
    '|---|---|---|---|---|',
    ...rows.map(
      (row) =>
        `| ${row.goal} | ${row.what} | ${figure(row.product.median)} ${row.unit}${row.ratio === undefined ? '' : `, ratio ${figure(row.ratio.median)}`} | ${row.wanted ?? ''} | ${verdict(row)} |`,
    ),
  ].join('\n');
}

/** Replaces what stands between the report's marks in `text`. @throws Error where they are missing. */
export function replaceReport(text: string, report: string): string {
  const [begin, end] = ['<!-- report -->', '<!-- /report -->'];
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from < 0 || to < from) throw new Error(`expected the marks ${begin} and ${end}`);
  return `${text.slice(0, from + begin.length)}\n\n${report}\n\n${text.slice(to)}`;
}

function line(row: Row): string {
  const { goal, what, unit, product, reference, ratio, wanted = '' } = row;
  const against = reference === undefined ? '' : `${show(reference.value)} ${unit} (${reference.what})`;
  const cells = [goal, what, `${show(product)} ${unit}`, against, ratio === undefined ? '' : show(ratio), wanted];
  return `| ${cells.join(' | ')} | ${verdict(row)} |`;
}

function verdict({ met }: Row): string {
  if (met === undefined) return '';
  return met ? 'met' : '**not met**';
}

/** The median, and where it was taken more than once the quartiles. */
function show({ lower, median, upper, count }: Spread): string {
  if (count === 1 || (lower === median && upper === median)) return figure(median);
  return `${figure(median)} (${figure(lower)}–${figure(upper)})`;
}

/** Three significant digits, whole numbers from a hundred on. */
function figure(value: number): string {
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en').replaceAll(',', ' ');
  return String(Number(value.toPrecision(3)));
}
