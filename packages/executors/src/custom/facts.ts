import type { FactsResult, LookContext, TargetReader } from '@slacktide/application/ports';
import type { CustomTemplate, TemplateParameter } from '@slacktide/domain';
import { fillStatement, type JudgedStatement, type NamedObject } from '@slacktide/templates';
import { type LoadedTemplate, loadTemplate } from './load-template.ts';
import { readNamedObjects } from './named-objects.ts';
import { refused, type Sound, sound } from './problem.ts';
import type { CustomConfig } from './schema.ts';
import { readWorkedRelation, type WorkedRelation } from './worked-relation.ts';

/** A statement as it is sent. */
export interface ReadyStatement {
  readonly judged: JudgedStatement;
  readonly text: string;
  /** Bound to `$1` and on. */
  readonly bound: readonly TemplateParameter[];
  /** Null where the statement works on none, on several, or on one that is not there (`IF EXISTS`). */
  readonly relation: WorkedRelation | null;
}

export interface CustomFacts {
  readonly template: CustomTemplate;
  readonly database: string;
  readonly statements: readonly ReadyStatement[];
  readonly values: ReadonlyMap<string, string | null>;
}

/** Reads the template, finds what its parameters name, and makes the statements: the same before the plan and before each step. */
export async function readCustomFacts(
  reader: TargetReader,
  config: CustomConfig,
  context: Pick<LookContext, 'customTasks' | 'memory'>,
): Promise<FactsResult<CustomFacts>> {
  const loaded = await loadTemplate(config, context);
  if (loaded.kind === 'refused') return loaded;
  const { template, values } = loaded.value;
  const [server] = await reader.query<{ recovering: boolean; database: string }>(
    'SELECT pg_is_in_recovery() AS recovering, current_database()::text AS database',
  );
  if (server === undefined) throw new Error('expected a row of the server');
  if (server.recovering && template.access === 'act') {
    return refused('', 'in_recovery', 'The server is a standby; templates that act run on its primary');
  }
  const objects = await readNamedObjects(reader, template.parameters, values);
  if (objects.kind === 'refused') return objects;
  const statements = await readyStatements(reader, loaded.value, objects.value, config.max_rows);
  if (statements.kind === 'refused') return statements;
  return { kind: 'facts', facts: { template, database: server.database, statements: statements.value, values } };
}

async function readyStatements(
  reader: TargetReader,
  { template, statements }: LoadedTemplate,
  objects: ReadonlyMap<string, NamedObject>,
  maxRows: number,
): Promise<Sound<readonly ReadyStatement[]>> {
  const ready: ReadyStatement[] = [];
  for (const judged of statements) {
    const filled = await fillStatement(judged, { parameters: template.parameters, objects, maxRows });
    if (filled.kind === 'refused') return refused('/parameters', 'template_not_allowed', filled.detail);
    const { text, bound, relation: named } = filled;
    const relation = named === null ? null : await readWorkedRelation(reader, named.schema ?? '', named.name);
    if (relation === undefined && judged.needsRelation) {
      return refused(
        '/template',
        'unknown_relation',
        `${named?.schema}.${named?.name}: there is none of this name on the target`,
      );
    }
    ready.push({ judged, text, bound, relation: relation ?? null });
  }
  return sound(ready);
}
