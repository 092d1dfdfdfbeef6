import type { FoundFinding } from '@slacktide/domain';
import type { SchemaFacts } from './facts.ts';
import { type Part, part } from './part.ts';
import type { RoleGraph } from './role-graph.ts';
import type { SecurityConfig } from './schema.ts';

/** Schemas anybody may create objects in; `public` is one in databases made before 15, whatever the server is now. */
export function judgeSchemas(schemas: readonly SchemaFacts[], graph: RoleGraph, config: SecurityConfig): Part {
  const ignored = new Set(config.ignore_schemas);
  const judged = schemas.filter(({ name, users }) => users && !ignored.has(name));
  return part({
    checked: judged.length,
    skipped: schemas
      .filter(({ name, users }) => users && ignored.has(name))
      .map(({ name }) => ({ object: name, reason: 'named in ignore_schemas' })),
    findings: judged.filter(({ publicCreateGrantors }) => publicCreateGrantors.length > 0).map(openSchema(graph)),
  });
}

const openSchema =
  (graph: RoleGraph) =>
  (schema: SchemaFacts): FoundFinding => {
    const { name, owner, publicCreateGrantors, revokeSql, grantSql } = schema;
    // REVOKE takes back what the owner granted and nobody else's grants.
    const revocable = publicCreateGrantors.every((grantor) => grantor === owner);
    return {
      fingerprint: `schema:${name}:public_create`,
      severity: 'warning',
      object: { kind: 'schema', schema: null, name, table: null },
      summary: `Anybody may create objects in schema ${name}, and so put their own in the place of what others mean`,
      evidence: {
        risk: 'public_create',
        owner: graph.name(owner),
        granted_by: publicCreateGrantors.map(graph.name),
        ...(revocable
          ? {}
          : { no_action_because: 'it was granted by another role than the owner, which has to revoke it' }),
      },
      action: revocable ? { sql: [revokeSql], rollbackSql: [grantSql], lockMode: null, class: 'idempotent' } : null,
    };
  };
