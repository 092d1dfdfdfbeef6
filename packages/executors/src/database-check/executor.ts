import type { Executor, LookContext, Plan, TargetReader } from '@slacktide/application/ports';
import { checks } from '@slacktide/checks';
import { careCheckConfigs, effectiveCareSettings, type JsonObject } from '@slacktide/domain';
import { reportResult, runCheck } from '../run-check.ts';
import { sampleNodes } from '../sample-nodes.ts';
import { type DatabaseCheckConfig, taskType } from './schema.ts';

/** What the run starts from. */
interface Facts {
  readonly database: string;
  /** By check: what the care settings say. */
  readonly careConfigs: Readonly<Record<string, JsonObject>>;
}

const samplingKey = 'sampling';

/** Each step is a check; the first one samples, so that checks judge by what is so now. */
export const databaseCheck: Executor<DatabaseCheckConfig, Facts> = {
  taskType,
  readFacts: async (reader, _config, context) => ({ kind: 'facts', facts: await readFacts(reader, context) }),
  plan,
  async runStep(step, run) {
    if (step.key === samplingKey) return await sampleNodes(run);
    const check = checks.find(({ type }) => type.name === step.key);
    if (check === undefined) throw new Error(`expected a check, got ${step.key}`);
    const report = await runCheck(check, run, step.data['config'] as JsonObject);
    return { kind: 'done', result: reportResult(report) };
  },
};

async function readFacts(reader: TargetReader, { memory }: LookContext): Promise<Facts> {
  const [row] = await reader.query<{ database: string }>('SELECT current_database()::text AS database');
  const { settings } = effectiveCareSettings(await memory.careLayers());
  return { database: row?.database ?? '', careConfigs: careCheckConfigs(settings) };
}

function plan({ database, careConfigs }: Facts, config: DatabaseCheckConfig): Plan {
  const step = (key: string, data: JsonObject) => ({
    key,
    object: { kind: 'database' as const, oid: null, schema: null, name: database },
    statements: [],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: null,
    reversible: true,
    data,
  });
  const chosen = checks.filter(({ type }) => config.checks.length === 0 || config.checks.includes(type.name));
  const steps = chosen.map(({ type }) =>
    step(type.name, { config: type.config.parse({ ...careConfigs[type.name], ...config.config[type.name] }) }),
  );
  return {
    steps: [...(config.sampling ? [step(samplingKey, {})] : []), ...steps],
    checked: 1,
    skipped: [],
    unknown: [],
  };
}
