import { TargetError, type TargetReader } from '@slacktide/application/ports';
import type { JsonObject } from '@slacktide/domain';
import { readResetMs, readTopStatements } from './statement-counters.ts';
import { findStatementSource } from './statement-source.ts';
import { type BaselineStatement, type EarlierCounters, toBaselineStatement } from './watch-baseline.ts';

/** So many statements of a table, by their total time, tell whether work on it was worth it. */
const mostStatements = 20;

/** As the history of effects keeps a statement: no text, and so no literal. */
export function statementDetail({ queryid, calls, mean_ms, stddev_ms, rows }: BaselineStatement): JsonObject {
  return { queryid, calls, mean_ms, stddev_ms, rows };
}

/**
 * The part of an effect's detail that tells how the statements of a table stood before the work: `{statements}`, and nothing where they cannot be seen.
 * `readEarlier` is asked for the counters at an earlier look, if there is anything to compare. That they cannot be seen is no reason to leave the work: rejects only when the session is lost or told to stop.
 */
export async function readStatementsBefore(
  reader: TargetReader,
  tableOid: number,
  readEarlier: () => Promise<EarlierCounters | undefined>,
): Promise<{ readonly statements?: JsonObject[] }> {
  try {
    const source = await findStatementSource(reader);
    if (source.kind === 'unusable') return {};
    const named = await readTopStatements(reader, source, tableOid, mostStatements);
    const resetMs = await readResetMs(reader, source);
    const ofTable = named.filter(({ namesTable }) => namesTable);
    const earlier = ofTable.length === 0 ? undefined : await readEarlier();
    return {
      statements: ofTable.map((statement) => statementDetail(toBaselineStatement(statement, earlier, resetMs))),
    };
  } catch (error) {
    if (!(error instanceof TargetError) || error.code === 'session_lost' || error.code === 'cancelled') throw error;
    return {};
  }
}
