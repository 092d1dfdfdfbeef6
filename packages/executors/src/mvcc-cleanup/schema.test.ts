import { describe, expect, it } from 'vitest';
import { taskType } from './schema.ts';

describe('configuration', () => {
  const problems = (config: object) =>
    taskType.config.safeParse(config).error?.issues.map(({ path }) => path.join('/'));

  it('takes FULL only for tables that are named, and not in parallel', () => {
    expect(problems({ full: true })).toEqual(['tables']);
    expect(problems({ full: true, tables: ['t'], parallel_workers: 2 })).toEqual(['parallel_workers']);
    expect(problems({ full: true, tables: ['t'] })).toBeUndefined();
  });
});
