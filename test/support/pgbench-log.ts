/** One transaction of pgbench, as its log has it. */
export interface BenchTransaction {
  /** Which of the scripts, in the order in which they were given. */
  readonly script: number;
  /** On the clock of this host, in ms since 1970. */
  readonly endedAtMs: number;
  /** From when it was due, which without a rate is its beginning. */
  readonly latencyMs: number;
}

export interface BenchLog {
  readonly transactions: readonly BenchTransaction[];
  /** Those that the server ended by an error that could be tried again. */
  readonly failed: number;
}

/** Reads lines of `pgbench --log`: client, number, microseconds, script, second, microsecond of it, and with a rate how late it began. @throws Error for others. */
export function parseBenchLog(text: string): BenchLog {
  const transactions: BenchTransaction[] = [];
  let failed = 0;
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, , took = '', script, second, microsecond] = line.split(' ');
    if (microsecond === undefined) throw new Error(`expected a line of pgbench's log, got: ${line}`);
    if (/^\d+$/.test(took)) {
      transactions.push({
        script: Number(script),
        endedAtMs: Number(second) * 1_000 + Number(microsecond) / 1_000,
        latencyMs: Number(took) / 1_000,
      });
    } else if (took !== 'skipped') failed += 1;
  }
  return { transactions, failed };
}
