import type { OperationInput, OperationName } from '@slacktide/contract';
import { type JsonObject, normaliseTasks, type TaskSpec } from '@slacktide/domain';
import { AppError, invalid } from '../app-error.ts';
import { checkConfig } from '../task-type/check-config.ts';
import type { TaskTypeCatalog } from '../task-type/task-type-catalog.ts';

interface OperationTask {
  readonly type: string;
  /** Configuration of the operation when no tables are named; what the options say comes before it. */
  readonly everything: JsonObject;
}

/** `tables: []` means all, not those that are due. */
const operationTasks: Readonly<Record<OperationName, OperationTask>> = {
  vacuum: { type: 'MVCC_CLEANUP', everything: { scope: 'all' } },
  analyze: { type: 'STATISTICS_UPDATE', everything: { scope: 'all' } },
  reindex: {
    type: 'INDEX_REBUILD',
    // All of them by name, as it were.
    everything: {
      bloat_threshold: 0,
      min_size_mb: 0,
      max_indexes: 10_000,
      max_total_mb: null,
      cooldown_days: 0,
      heed_advice: false,
    },
  },
  // Whoever asks for a checkpoint now wants one, however young the latest is.
  checkpoint: { type: 'CHECKPOINT', everything: { force: true } },
};

/**
 * The one task of an ad-hoc operation: `options` are its task type's configuration, the tables are named or all.
 * @throws AppError `invalid_request` with pointers beneath `/options` and `/tables`
 */
export function operationTask(catalog: TaskTypeCatalog, input: OperationInput): TaskSpec {
  const { type: name, everything } = operationTasks[input.operation];
  const type = catalog.get(name);
  if (type === undefined) throw invalid('/operation', 'unknown_task_type', `There is no ${name} here`);
  checkTables(input);
  const selection = input.tables.length > 0 ? { tables: input.tables } : everything;
  const checked = checkConfig(type, { ...selection, ...input.options }, '');
  if (checked.kind === 'problems') {
    const problems = checked.problems.map((problem) => ({ ...problem, pointer: operationPointer(problem.pointer) }));
    throw new AppError('invalid_request', problems[0]?.detail ?? 'The options are not valid', { problems });
  }
  const normalised = normaliseTasks([
    { type: type.type, config: checked.config, timeLimitSeconds: input.time_limit_seconds },
  ]);
  if (normalised.kind === 'problems' || normalised.tasks[0] === undefined) {
    throw new Error(`${type.type} is no name for a task type`);
  }
  return normalised.tasks[0];
}

/** Where a problem of the configuration is in the request: `tables` are said outside the options. */
export function operationPointer(pointer: string): string {
  if (pointer === '') return '/operation';
  return /^\/tables(\/|$)/.test(pointer) ? pointer : `/options${pointer}`;
}

function checkTables({ operation, tables, options }: OperationInput): void {
  if ('tables' in options) throw invalid('/options/tables', 'not_allowed', 'Say which tables in `tables`; [] = all');
  if (operation === 'checkpoint' && tables.length > 0) {
    throw invalid('/tables', 'not_applicable', 'A checkpoint is of the whole server: it takes no tables');
  }
}
