import type { Notice } from '@slacktide/application/ports';

export interface VacuumReport {
  /** Row versions removed. */
  readonly removedRows: number;
  /** Passes over the indexes; more than one = maintenance_work_mem was too small. Null where the server does not say. */
  readonly indexScans: number | null;
}

/**
 * What VACUUM VERBOSE said of the table itself; undefined when it said nothing that is understood (another language).
 * Names come from the target and may look like figures, so the text is read from behind the name only.
 */
export function readVerbose(
  notices: readonly Notice[],
  table: { readonly database: string; readonly schema: string; readonly name: string },
): VacuumReport | undefined {
  const qualified = `${table.schema}.${table.name}`;
  const openings = [
    `finished vacuuming "${table.database}.${qualified}": `,
    `table "${table.name}": `,
    // VACUUM FULL, since 15 with the schema.
    `"${qualified}": `,
    `"${table.name}": `,
  ];
  for (const { severity, message } of notices) {
    const opening = openings.find((text) => message.startsWith(text));
    if (severity !== 'INFO' || opening === undefined) continue;
    const report = readReport(message.slice(opening.length));
    if (report !== undefined) return report;
  }
  return undefined;
}

function readReport(text: string): VacuumReport | undefined {
  // 15 and later.
  const finished = /^index scans: (\d+)\npages: [^\n]*\ntuples: (\d+) removed, /.exec(text);
  if (finished !== null) return { removedRows: Number(finished[2]), indexScans: Number(finished[1]) };
  // 14, and VACUUM FULL of every major.
  const found = /^found (\d+) removable, /.exec(text);
  return found === null ? undefined : { removedRows: Number(found[1]), indexScans: null };
}
