import type { FoundFinding } from '@slacktide/domain';
import { describe, expect, it } from 'vitest';
import type { Leftover, LeftoverFacts } from './facts.ts';
import { planCleanup } from './plan.ts';
import { taskType } from './schema.ts';

const mebibyte = 1024 * 1024;

function leftover(
  name: string,
  found: string,
  sql: readonly string[] | null,
  more: Partial<Leftover['index']> = {},
): Leftover {
  const finding: FoundFinding = {
    fingerprint: `index:public.${name}`,
    severity: 'warning',
    object: { kind: 'index', schema: 'public', name, table: 't' },
    summary: `${name} is left`,
    evidence: { class: found, ...(sql === null ? { no_action_because: 'it would corrupt' } : {}) },
    action:
      sql === null ? null : { sql, rollbackSql: ['back'], lockMode: 'SHARE UPDATE EXCLUSIVE', class: 'idempotent' },
  };
  return {
    finding,
    index: {
      oid: name.charCodeAt(0),
      schema: 'public',
      name,
      quoted: `public.${name}`,
      tableOid: 7,
      quotedTable: 'public.t',
      live: true,
      sizeBytes: 10 * mebibyte,
      tableSizeBytes: 100 * mebibyte,
      dropGrant: null,
      rebuildGrant: null,
      ...more,
    },
  };
}

const drop = (name: string) => [`DROP INDEX CONCURRENTLY public.${name}`];
const reindex = (name: string) => [`REINDEX INDEX CONCURRENTLY public.${name}`];

function plan(leftovers: readonly Leftover[], config: object = {}, more: Partial<LeftoverFacts> = {}) {
  const facts: LeftoverFacts = { leftovers, named: null, checked: 9, skipped: [], unknown: [], ...more };
  return planCleanup(facts, taskType.config.parse(config));
}
const told = (made: ReturnType<typeof plan>) => made.steps.map(({ data, statements }) => [data['work'], ...statements]);

describe('the plan of LEFTOVER_CLEANUP', () => {
  it('does as the checks propose, drops first, the largest first', () => {
    const made = plan([
      leftover('a', 'failed_drop', reindex('a')),
      leftover('b', 'failed_create', drop('b')),
      leftover('c', 'reindex_leftover', drop('c'), { sizeBytes: 20 * mebibyte }),
    ]);
    expect(told(made)).toEqual([
      ['drop', ...drop('c')],
      ['drop', ...drop('b')],
      ['rebuild', ...reindex('a')],
    ]);
    expect(made.steps[2]).toMatchObject({
      key: 'public.a',
      lockMode: 'SHARE UPDATE EXCLUSIVE',
      expectedSeconds: 5,
      reversible: false,
      cost: { action: 'reindex', tempDiskBytes: 22 * mebibyte, walBytes: 10 * mebibyte },
      data: { table_oid: 7, class: 'failed_drop' },
    });
    expect(made.steps.map(({ reversible }) => reversible)).toEqual([false, true, false]);
    expect(made).toMatchObject({ checked: 9, skipped: [], unknown: [] });
  });

  it('finishes a drop in place of bringing the index back only where it could be either, and only when asked', () => {
    const leftovers = [
      leftover('a', 'failed_drop', reindex('a')),
      leftover('b', 'failed_drop_or_create', null),
      leftover('c', 'needed', reindex('c')),
    ];
    const asked = plan(leftovers, { repair: 'drop' });
    expect(told(asked)).toEqual([
      ['drop', ...drop('a')],
      ['drop', ...drop('b')],
    ]);
    expect(asked.skipped).toEqual([{ object: 'public.c', reason: 'needed' }]);
    const usual = plan(leftovers);
    expect(told(usual)).toEqual([
      ['rebuild', ...reindex('a')],
      ['rebuild', ...reindex('c')],
    ]);
    expect(usual.skipped).toEqual([{ object: 'public.b', reason: 'failed_drop_or_create: it would corrupt' }]);
  });

  it.each([
    ['dead_temporary_schema', null, 'autovacuum_drops_it'],
    ['incomplete_partitioned', ['CREATE INDEX CONCURRENTLY x ON public.t (a)'], 'incomplete_partitioned'],
    ['needed', ['REINDEX INDEX public.a'], 'needs_a_blocking_reindex'],
    ['needed', null, 'needed: it would corrupt'],
  ] as const)('leaves alone %s with %j', (found, sql, reason) => {
    expect(plan([leftover('a', found, sql)])).toMatchObject({ steps: [], skipped: [{ object: 'public.a', reason }] });
  });

  it('completes what is partitioned when asked', () => {
    const sql = ['CREATE INDEX CONCURRENTLY x ON public.t (a)', 'ALTER INDEX public.a ATTACH PARTITION public.x'];
    const made = plan([leftover('a', 'incomplete_partitioned', sql)], { complete_partitioned: true });
    expect(made.steps).toMatchObject([
      {
        statements: sql,
        lockMode: 'ACCESS EXCLUSIVE',
        cost: { action: 'create_index' },
        data: { rollback_sql: ['back'] },
      },
    ]);
  });

  it('takes no more than max_indexes, and none without the right', () => {
    const leftovers = [
      leftover('a', 'failed_create', drop('a')),
      leftover('b', 'failed_create', drop('b')),
      leftover('c', 'failed_create', drop('c'), { dropGrant: 'GRANT o TO r' }),
      leftover('d', 'failed_drop', reindex('d'), { dropGrant: 'GRANT o TO r', rebuildGrant: '' }),
    ];
    const made = plan(leftovers, { max_indexes: 1 });
    expect(told(made)).toEqual([['drop', ...drop('a')]]);
    expect(made.skipped).toEqual([{ object: 'public.b', reason: 'over_max_indexes' }]);
    expect(made.unknown).toEqual([
      { object: 'public.c', reason: 'insufficient_privilege', grant: 'GRANT o TO r' },
      { object: 'public.d', reason: 'insufficient_privilege', grant: null },
    ]);
  });

  it('of what is named says all, and of the rest nothing', () => {
    const name = (object: string) => ({ object: `public.${object}`, quoted: `public.${object}` });
    const made = plan(
      [
        leftover('a', 'failed_create', drop('a'), { dropGrant: 'GRANT o TO r' }),
        leftover('b', 'failed_create', drop('b')),
      ],
      { max_indexes: 1 },
      {
        named: [name('a'), name('valid'), name('busy')],
        skipped: [
          { object: 'public.busy', reason: 'in_progress' },
          { object: 'public.other', reason: 'in_progress' },
        ],
      },
    );
    expect(made.steps).toMatchObject([{ key: 'public.a', data: { grant: 'GRANT o TO r' } }]);
    expect(made.skipped).toEqual([
      { object: 'public.busy', reason: 'in_progress' },
      { object: 'public.valid', reason: 'not_a_leftover' },
    ]);
    expect(made.unknown).toMatchObject([{ object: 'public.a' }]);
  });
});
