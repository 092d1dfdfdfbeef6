import type { JsonObject } from '@slacktide/domain';
import { longestRow } from '@slacktide/templates';

/** A row of a SELECT as it is read: its JSON, cut where it is too long. */
export interface ReadRow {
  readonly row: string | null;
  /** How many there are; only where all were counted. */
  readonly total?: number;
}

/** Bytes of JSON that a result keeps. */
const mostBytes = 65_536;

/** The first rows, as many as fit; `truncated` = there are more, or some were too long. */
export function rowsResult(read: readonly ReadRow[], maxRows: number): JsonObject {
  const rows: JsonObject[] = [];
  let bytes = 0;
  for (const { row } of read.slice(0, maxRows)) {
    const text = row ?? '{}';
    bytes += Buffer.byteLength(text);
    if (bytes > mostBytes || text.length > longestRow) break;
    rows.push(storable(JSON.parse(text)) as JsonObject);
  }
  const [first] = read;
  return {
    rows,
    truncated: rows.length < read.length,
    ...(first?.total === undefined ? {} : { row_count: first.total }),
  };
}

/** The ledger stores no U+0000; json, other than jsonb, may hold it as an escape. */
function storable(value: unknown): unknown {
  if (typeof value === 'string') return value.replaceAll('\0', '\ufffd');
  if (Array.isArray(value)) return value.map(storable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key.replaceAll('\0', '\ufffd'), storable(inner)]),
  );
}
