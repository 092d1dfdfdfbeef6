import type { CheckRecords } from '@slacktide/application/ports';
import type { LedgerPool } from '../sql.ts';
import { recordReport } from './record-report.ts';

/** Where reports of checks become findings. */
export function createCheckRecords(pool: LedgerPool): CheckRecords {
  return { record: (claimed, report, config) => recordReport(pool, claimed, report, config) };
}
