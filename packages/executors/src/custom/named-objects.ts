import type { ConfigProblem, TargetReader } from '@slacktide/application/ports';
import type { TemplateParameter } from '@slacktide/domain';
import { exclusionWords, resolveRelations } from '@slacktide/targets';
import type { NamedObject } from '@slacktide/templates';
import type { Sound } from './problem.ts';

/** All that has a name in pg_class, but for TOAST tables and composite types. */
const relkinds = ['r', 'p', 'm', 'v', 'f', 'i', 'I', 'S'];

/** Finds what parameters of the types relation and schema name, in the catalogue: only what it and its quoting say enters a statement. */
export async function readNamedObjects(
  reader: TargetReader,
  parameters: readonly TemplateParameter[],
  values: ReadonlyMap<string, string | null>,
): Promise<Sound<ReadonlyMap<string, NamedObject>>> {
  const problems: ConfigProblem[] = [];
  const objects = new Map<string, NamedObject>();
  const refuse = (name: string, code: string, detail: string): void =>
    void problems.push({ pointer: `/parameters/${name}`, code, detail });
  const relations = parameters.filter(({ type }) => type === 'relation').map(({ name }) => name);
  const texts = relations.map((name) => values.get(name) ?? '');
  const resolutions = await resolveRelations(reader, texts, relkinds);
  for (const [at, name] of relations.entries()) {
    const resolution = resolutions[at];
    const said = JSON.stringify(texts[at]);
    if (resolution?.kind !== 'found') {
      refuse(name, `${resolution?.kind ?? 'unknown'}_relation`, `Relation ${said}: ${resolution?.detail ?? ''}.`);
    } else if (resolution.relation.exclusion !== null) {
      refuse(name, 'excluded_relation', `Relation ${said} ${exclusionWords[resolution.relation.exclusion]}.`);
    } else objects.set(name, resolution.relation);
  }
  for (const { name } of parameters.filter(({ type }) => type === 'schema')) {
    const said = values.get(name) ?? '';
    const schema = await readSchema(reader, said);
    if (schema === undefined)
      refuse(name, 'unknown_schema', `Schema ${JSON.stringify(said)}: there is none of this name.`);
    else objects.set(name, schema);
  }
  return problems.length > 0 ? { kind: 'refused', problems } : { kind: 'sound', value: objects };
}

/** A schema of users: by its name, or else as SQL would write it. */
async function readSchema(reader: TargetReader, text: string): Promise<NamedObject | undefined> {
  const [found] = await reader.query<{ schema: string; quoted: string }>(
    `SELECT nspname::text AS schema, quote_ident(nspname) AS quoted FROM pg_namespace
WHERE (nspname::text = $1::text OR quote_ident(nspname) = $1::text OR '"' || replace(nspname, '"', '""') || '"' = $1::text)
  AND nspname !~ '^pg_' AND nspname <> 'information_schema'
ORDER BY nspname::text <> $1::text LIMIT 1`,
    [text],
  );
  return found === undefined ? undefined : { ...found, name: '' };
}
