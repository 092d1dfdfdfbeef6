import type { FindingAction, FoundFinding, Severity, SkippedObject } from '@slacktide/domain';
import { publicOid, type RoutineFacts } from './facts.ts';
import { type OpenPath, openPath, type PathContext, strangers } from './open-path.ts';
import { dotted, listed, type Part, part } from './part.ts';
import { powersOf } from './powers.ts';
import type { SecurityConfig } from './schema.ts';

/** SECURITY DEFINER routines in which others decide what a name means. */
export function judgeRoutines(routines: readonly RoutineFacts[], context: PathContext, config: SecurityConfig): Part {
  const ignored = new Set(config.ignore_schemas);
  const findings: FoundFinding[] = [];
  const skipped: SkippedObject[] = [];
  let checked = 0;
  for (const routine of routines) {
    const reason = leftOut(routine, context, ignored);
    if (reason !== null) {
      skipped.push({ object: `${routine.schema}.${routine.name}`, reason });
      continue;
    }
    checked += 1;
    const open = openPath(routine, context);
    if (open.length > 0) findings.push(openRoutine(routine, open, context));
  }
  return part({ checked, findings, skipped });
}

function leftOut(routine: RoutineFacts, { graph }: PathContext, ignored: ReadonlySet<string>): string | null {
  if (ignored.has(routine.schema)) return 'its schema is named in ignore_schemas';
  if (routine.firesAsTrigger || strangers(routine.executors, routine.owner, graph).length > 0) return null;
  return `nobody may execute ${signature(routine)} who may not act as its owner anyway`;
}

function openRoutine(routine: RoutineFacts, open: readonly OpenPath[], context: PathContext): FoundFinding {
  const { graph } = context;
  const { schema, name, kind, owner } = routine;
  const powers = [...powersOf(owner, graph).keys()];
  const executors = strangers(routine.executors, owner, graph);
  const { action, because } = cure(routine, open, context);
  const runs = `It runs as ${graph.name(owner)}${powers.length === 0 ? '' : ` (${powers.join(', ')})`}`;
  const by = routine.firesAsTrigger ? 'whoever sets off its trigger' : listed(executors);
  return {
    fingerprint: `${kind}:${dotted(schema, name)}(${routine.argumentTypes}):search_path`,
    severity: severityOf(routine, open, powers.length > 0),
    object: { kind, schema, name, table: null },
    summary: `SECURITY DEFINER ${kind} ${schema}.${signature(routine)} ${listed(open.map(({ words }) => words))}. ${runs}, for ${by}`,
    evidence: {
      risks: open.map((risk) => risk.kind),
      argument_types: routine.argumentTypes,
      search_path: routine.path === null ? null : routine.path.map((element) => element.name),
      may_create: [...new Set(open.flatMap(({ creators }) => creators))],
      may_execute: executors,
      public_execute: routine.executors.includes(publicOid),
      fires_as_trigger: routine.firesAsTrigger,
      names_bound_at_creation: routine.boundBody,
      owner: graph.name(owner),
      owner_powers: powers,
      ...(because === null ? {} : { no_action_because: because }),
    },
    action,
  };
}

function severityOf(routine: RoutineFacts, open: readonly OpenPath[], powerful: boolean): Severity {
  const forAnybody = routine.firesAsTrigger || routine.executors.includes(publicOid);
  // Names in a BEGIN ATOMIC body are settled; only what it calls may still follow the path.
  const slight = routine.boundBody || open.every(({ kind }) => kind === 'temporary_objects_implied');
  return forAnybody && powerful && !slight ? 'warning' : 'info';
}

/** A path that keeps what the names meant and lets nobody else in, where there is one. */
function cure(
  routine: RoutineFacts,
  open: readonly OpenPath[],
  { graph, schemas }: PathContext,
): { action: FindingAction | null; because: string | null } {
  const { path, alterSql, owner } = routine;
  const blocked = open.filter(({ kind }) => kind === 'creatable_schema' || kind === 'missing_schema');
  if (blocked.length > 0) {
    return {
      action: null,
      because: 'its names may be meant to be found there: let nobody else create in that schema first',
    };
  }
  const isOpen = (name: string): boolean => strangers(schemas.get(name)?.creators ?? [], owner, graph).length > 0;
  if (path === null && isOpen(routine.schema)) {
    return {
      action: null,
      because: `others may create objects in its own schema ${routine.schema}: see to that first`,
    };
  }
  // Its names were found by callers' paths so far, which mostly hold public.
  const shared = schemas.has('public') && routine.schema !== 'public' && !isOpen('public') ? ["'public'"] : [];
  const kept =
    path === null
      ? [routine.schemaLiteral, ...shared]
      : path
          .filter(({ name }) => !['', 'pg_temp'].includes(name) && (name !== '$user' || schemas.has(graph.name(owner))))
          .map(({ literal }) => literal);
  const former = path === null ? null : path.map(({ literal }) => literal).join(', ') || "''";
  return {
    action: {
      sql: [`${alterSql} SET search_path = ${[...kept, "'pg_temp'"].join(', ')}`],
      rollbackSql: [former === null ? `${alterSql} RESET search_path` : `${alterSql} SET search_path = ${former}`],
      lockMode: null,
      class: 'idempotent',
    },
    because: null,
  };
}

function signature({ name, argumentTypes }: RoutineFacts): string {
  return `${name}(${argumentTypes})`;
}
