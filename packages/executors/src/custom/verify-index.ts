import type { TargetReader } from '@slacktide/application/ports';

/** What the catalogue says against it that the index was created, rebuilt or dropped; null = nothing. */
export async function verifyIndex(
  reader: TargetReader,
  operation: 'create' | 'reindex' | 'drop',
  schema: string,
  index: string,
): Promise<string | null> {
  const [found] = await reader.query<{ valid: boolean; quoted: string }>(
    `SELECT (i.indisvalid AND i.indisready AND i.indislive) AS valid, format('%I.%I', n.nspname, c.relname) AS quoted
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname::text = $1::text AND c.relname::text = $2::text`,
    [schema, index],
  );
  if (operation === 'drop') return found === undefined ? null : `${found.quoted} is still there`;
  if (found === undefined) return `there is no index ${JSON.stringify(index)} in ${JSON.stringify(schema)}`;
  return found.valid ? null : `${found.quoted} is not valid`;
}
