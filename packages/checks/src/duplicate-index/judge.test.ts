import { describe, expect, it } from 'vitest';
import { indexDefinition } from '../../test/index-definition.ts';
import { judgeDuplicateIndexes } from './judge.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});

describe('duplicate_index', () => {
  it('finds each one but the best, once', () => {
    const report = judgeDuplicateIndexes(
      [
        indexDefinition({ name: 'a', oid: 1 }),
        indexDefinition({ name: 'b', oid: 2, scans: 7 }),
        indexDefinition({ name: 'c', oid: 3, sizeBytes: 1 }),
        indexDefinition({ name: 'elsewhere', oid: 4, tableOid: 2 }),
      ],
      config,
    );
    expect(report.findings.map(({ object, evidence }) => [object.name, evidence['kept_index']])).toEqual([
      ['c', 'public.b'],
      ['a', 'public.b'],
    ]);
    expect(report).toMatchObject({ checked: 4, skipped: [], unknown: [], figures: { found: 2, size_bytes: 8193 } });
  });

  it('offers no drop of two that are both protected', () => {
    const report = judgeDuplicateIndexes(
      [
        indexDefinition({ name: 'key', oid: 1, unique: true, constraint: 'key' }),
        indexDefinition({ name: 'target', oid: 2, unique: true, foreignKeyTarget: true }),
      ],
      config,
    );
    expect(report.findings).toMatchObject([
      {
        severity: 'info',
        object: { name: 'target' },
        evidence: { no_action_because: 'foreign keys refer to target', kept_because: 'key backs constraint key' },
        action: null,
      },
    ]);
  });

  it('compares neither what is invalid nor what is locked, and says so', () => {
    const report = judgeDuplicateIndexes(
      [
        indexDefinition({ name: 'good', oid: 1 }),
        indexDefinition({ name: 'invalid', oid: 2, valid: false }),
        indexDefinition({ name: 'dropping', oid: 3, live: false }),
        indexDefinition({ name: 'locked', oid: 4, tableOid: 2, locked: true }),
        indexDefinition({ name: 'beside', oid: 5, tableOid: 2 }),
      ],
      config,
    );
    expect(report).toMatchObject({
      checked: 1,
      findings: [],
      skipped: [
        { object: 'public.invalid', reason: 'invalid' },
        { object: 'public.dropping', reason: 'invalid' },
      ],
      unknown: [
        { object: 'public.locked', reason: 'locked', grant: null },
        { object: 'public.beside', reason: 'locked', grant: null },
      ],
    });
  });

  it('reports the topmost of partition trees, and what is not attached beside what is', () => {
    const leaf = { tableOid: 2, table: 't_1' };
    const report = judgeDuplicateIndexes(
      [
        indexDefinition({ name: 'old', oid: 1, partitioned: true }),
        indexDefinition({ name: 'new', oid: 2, partitioned: true }),
        indexDefinition({ name: 'old_1', oid: 3, parentOid: 1, ...leaf }),
        indexDefinition({ name: 'new_1', oid: 4, parentOid: 2, ...leaf }),
        indexDefinition({ name: 'own_1', oid: 5, scans: 100, ...leaf }),
      ],
      config,
    );
    expect(report.checked).toBe(3);
    expect(report.findings.map(({ object, evidence }) => [object.name, evidence['kept_index']])).toEqual([
      ['new', 'public.old'],
      ['own_1', 'public.old_1'],
    ]);
  });
});
