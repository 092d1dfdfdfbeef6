import { type DatabaseFacts, publicOid, type RoutineFacts, type SchemaFacts } from './facts.ts';
import type { RoleGraph } from './role-graph.ts';

/** What is wrong with where a routine looks for names. */
export interface OpenPath {
  readonly kind:
    | 'no_search_path'
    | 'creatable_schema'
    | 'missing_schema'
    | 'user_schema'
    | 'temporary_objects_first'
    | 'temporary_objects_implied';
  readonly words: string;
  /** Who may put objects there, besides those who may act as the routine's owner. */
  readonly creators: readonly string[];
}

export interface PathContext {
  readonly graph: RoleGraph;
  readonly database: DatabaseFacts;
  readonly schemas: ReadonlyMap<string, SchemaFacts>;
}

/** Those of `creators` that could not act as `owner` anyway, by name. */
export function strangers(creators: readonly number[], owner: number, graph: RoleGraph): string[] {
  return creators.filter((oid) => oid === publicOid || !graph.mayActAs(oid, owner)).map(graph.name);
}

/** Everything about the routine's search_path by which somebody else decides what its names mean. Empty = a fixed, safe path. */
export function openPath(routine: RoutineFacts, { graph, database, schemas }: PathContext): OpenPath[] {
  const { path, owner } = routine;
  if (path === null) {
    return [
      { kind: 'no_search_path', words: 'has no search_path of its own, so that its caller’s counts', creators: [] },
    ];
  }
  const names = path.map(({ name }) => name).filter((name) => name !== '');
  const open = names
    .filter((name) => !['pg_temp', 'pg_catalog'].includes(name))
    .flatMap((name): OpenPath[] => {
      const schema = schemas.get(name === '$user' ? graph.name(owner) : name);
      if (schema === undefined) {
        const creators = strangers(database.creators, owner, graph);
        if (name === '$user') {
          return [
            {
              kind: 'user_schema',
              words: 'has "$user" in its search_path, a schema that anybody may come to make who may make one',
              creators,
            },
          ];
        }
        if (creators.length === 0) return [];
        return [
          { kind: 'missing_schema', words: `has schema ${name} in its search_path, which others may create`, creators },
        ];
      }
      const creators = strangers(schema.creators, owner, graph);
      if (creators.length === 0) return [];
      return [
        {
          kind: 'creatable_schema',
          words: `has schema ${schema.name} in its search_path, where others may create objects`,
          creators,
        },
      ];
    });
  return [...open, ...temporaryFirst(names, strangers(database.temporaryCreators, owner, graph))];
}

/** Tables and types are looked for among the session's temporary ones first, unless pg_temp is named last. */
function temporaryFirst(names: readonly string[], creators: readonly string[]): OpenPath[] {
  if (creators.length === 0) return [];
  const at = names.indexOf('pg_temp');
  if (at >= 0 && at < names.length - 1) {
    return [
      { kind: 'temporary_objects_first', words: 'has pg_temp before other schemas in its search_path', creators },
    ];
  }
  // Where every name but the system's has to be qualified there is little to put a temporary table in the place of.
  if (at >= 0 || names.every((name) => name === 'pg_catalog')) return [];
  return [
    {
      kind: 'temporary_objects_implied',
      words: 'leaves pg_temp out of its search_path, which is therefore searched first',
      creators,
    },
  ];
}
