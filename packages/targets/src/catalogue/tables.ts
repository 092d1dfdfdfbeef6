import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import { type Exclusion, type RelationRef, type Resolution, resolveRelations } from './object-name.ts';

/** Ordinary and partitioned tables, materialised views. */
const tableKinds = ['r', 'p', 'm'];

/** Finds the table a text names: `schema.table` or a bare name that is unique. */
export async function resolveTable(reader: TargetReader, text: string): Promise<Resolution> {
  const [resolution] = await resolveRelations(reader, [text], tableKinds);
  if (resolution === undefined) throw new Error('expected one resolution for one text');
  return resolution;
}

export type ResolvedTables =
  | { readonly kind: 'resolved'; readonly tables: readonly RelationRef[] }
  | { readonly kind: 'refused'; readonly problems: readonly ConfigProblem[] };

/**
 * Finds all tables a configuration names, each once. Unknown and ambiguous names, and tables that belong to the system, to
 * a session or to an extension, are refused; `pointer` is where the list stands in the configuration, e.g. `/tables`.
 */
export async function resolveTables(
  reader: TargetReader,
  texts: readonly string[],
  pointer: string,
): Promise<ResolvedTables> {
  const resolutions = await resolveRelations(reader, texts, tableKinds);
  const problems = resolutions.flatMap((resolution, position) => {
    const problem = tableProblem(texts[position] ?? '', resolution);
    return problem === undefined ? [] : [{ pointer: `${pointer}/${position}`, ...problem }];
  });
  if (problems.length > 0) return { kind: 'refused', problems };
  const found = resolutions.flatMap((resolution) => (resolution.kind === 'found' ? [resolution.relation] : []));
  return { kind: 'resolved', tables: [...new Map(found.map((table) => [table.oid, table])).values()] };
}

/** In words, for a message. */
export const exclusionWords: Readonly<Record<Exclusion, string>> = {
  system: 'belongs to the system',
  temporary: 'is temporary and belongs to a session',
  extension: 'belongs to an extension',
};

function tableProblem(text: string, resolution: Resolution): { code: string; detail: string } | undefined {
  switch (resolution.kind) {
    case 'unknown':
      return { code: 'unknown_table', detail: `Table ${JSON.stringify(text)}: ${resolution.detail}.` };
    case 'ambiguous':
      return { code: 'ambiguous_table', detail: `Table ${JSON.stringify(text)}: ${resolution.detail}.` };
    case 'found': {
      const { exclusion } = resolution.relation;
      return exclusion === null
        ? undefined
        : { code: 'excluded_table', detail: `Table ${JSON.stringify(text)} ${exclusionWords[exclusion]}.` };
    }
  }
}
