import { planStatements } from '@slacktide/acting';
import type { Executor, FactsResult, Learning, LookContext, Plan, TargetReader } from '@slacktide/application/ports';
import { queryShape, type RiskModel } from '@slacktide/learning';
import { type AssessmentFacts, assess } from './assess.ts';
import { type QueryAssessmentConfig, taskType } from './schema.ts';

const explainedKinds: readonly string[] = ['select', 'insert', 'update', 'delete', 'merge'];

/** Judging is all done by the look: the plan holds the judgement, and running it gives the same. */
export const queryAssessment: Executor<QueryAssessmentConfig, AssessmentFacts> = {
  taskType,
  readFacts,
  plan: toPlan,
  runStep: async ({ data }) => ({ kind: 'done', result: { assessment: data['assessment'] ?? null } }),
};

async function readFacts(
  reader: TargetReader,
  { sql }: QueryAssessmentConfig,
  { memory }: LookContext,
): Promise<FactsResult<AssessmentFacts>> {
  const shape = await queryShape(sql);
  if (shape === undefined || !explainedKinds.includes(shape.kind)) {
    const detail = 'Expected one SELECT, INSERT, UPDATE, DELETE or MERGE';
    return { kind: 'refused', problems: [{ pointer: '/sql', code: 'not_one_statement', detail }] };
  }
  const [planned] = await planStatements(reader, [sql]);
  const patterns = await memory.learned('pattern');
  const model = (await memory.learned('model')).find(({ key }) => key === 'query_risk');
  const tables = shape.scopes.flatMap(({ relations }) => relations.map(({ name }) => name));
  return {
    kind: 'facts',
    facts: {
      shape,
      plan: planned?.kind === 'planned' ? planned.plan : null,
      unplanned: planned?.kind === 'left_out' ? planned.reason : null,
      model: model === undefined ? null : (model.value as unknown as RiskModel),
      similar: await onTables(patterns, new Set(tables)),
    },
  };
}

/** Those that use one of these tables, most time first as they were learned. */
async function onTables(patterns: readonly Learning[], tables: ReadonlySet<string>): Promise<readonly Learning[]> {
  const similar: Learning[] = [];
  for (const pattern of patterns) {
    const query = pattern.value['query'];
    const shape = typeof query === 'string' ? await queryShape(query) : undefined;
    const uses = shape?.scopes.some(({ relations }) => relations.some(({ name }) => tables.has(name)));
    if (uses === true) similar.push(pattern);
  }
  return similar.toSorted((a, b) => Number(b.value['total_seconds']) - Number(a.value['total_seconds']));
}

function toPlan(facts: AssessmentFacts): Plan {
  return {
    steps: [
      {
        key: 'statement',
        object: { kind: 'database', oid: null, schema: null, name: 'statement' },
        statements: [],
        lockMode: null,
        sizeBytes: null,
        expectedSeconds: null,
        reversible: true,
        data: { assessment: assess(facts) },
      },
    ],
    checked: 1,
    skipped: [],
    unknown: [],
  };
}
