import { describe, expect, it } from 'vitest';
import { grantMajors, targetGrants } from './target-grants.ts';

const statementsFor = (major: (typeof grantMajors)[number], role = 'care', database = 'shop') => {
  const { observe, act } = targetGrants({ major, role, database });
  return { observe: observe.map(({ statement }) => statement), act: act.map(({ statement }) => statement) };
};

describe.each(grantMajors)('grants on PostgreSQL %i', (major) => {
  it('never hand out a superuser, the tables’ rows or the server’s files', () => {
    const { observe, act } = statementsFor(major);
    expect([...observe, ...act].join('; ')).not.toMatch(
      /SUPERUSER|pg_read_all_data|server_files|server_program|BYPASSRLS|CREATEROLE/,
    );
  });

  it('begin with the role, and say of each why', () => {
    const { observe, act, remaining } = targetGrants({ major, role: 'care', database: 'shop' });
    expect(observe.slice(0, 3).map(({ statement, scope }) => [statement, scope])).toEqual([
      ['CREATE ROLE "care" LOGIN', 'cluster'],
      ['GRANT CONNECT ON DATABASE "shop" TO "care"', 'database'],
      ['GRANT pg_monitor TO "care"', 'cluster'],
    ]);
    for (const { why } of [...observe, ...act]) expect(why.length).toBeGreaterThan(5);
    for (const { reason } of remaining) expect(reason.length).toBeGreaterThan(20);
  });

  it('come once each', () => {
    const { observe, act } = statementsFor(major);
    expect(new Set([...observe, ...act]).size).toBe(observe.length + act.length);
  });
});

it('has the functions that amcheck has on each major', () => {
  const functions = (major: (typeof grantMajors)[number]) =>
    statementsFor(major).observe.filter((statement) => /ON FUNCTION (bt|gin|verify)_/.test(statement)).length;
  expect(grantMajors.map(functions)).toEqual([6, 6, 6, 8, 9]);
});

it('has the roles for acting that each major has, and tells of those it has not', () => {
  const roles = (major: (typeof grantMajors)[number]) =>
    statementsFor(major).act.flatMap((statement) => /^GRANT (pg_\w+)/.exec(statement)?.[1] ?? []);
  expect(grantMajors.map(roles)).toEqual([
    ['pg_signal_backend'],
    ['pg_signal_backend', 'pg_checkpoint'],
    ['pg_signal_backend', 'pg_checkpoint'],
    ['pg_maintain', 'pg_signal_backend', 'pg_checkpoint'],
    ['pg_maintain', 'pg_signal_backend', 'pg_signal_autovacuum_worker', 'pg_checkpoint'],
  ]);
  const limits = (major: (typeof grantMajors)[number]) =>
    targetGrants({ major, role: 'care', database: 'shop' }).remaining.map(({ what }) => what);
  expect(limits(14)).toEqual(expect.arrayContaining(['CHECKPOINT', 'autovacuum workers', 'pg_authid', 'pg_stats']));
  expect(limits(18)).not.toContain('CHECKPOINT');
  expect(limits(18)).not.toContain('autovacuum workers');
});

it('quotes names, whatever they are', () => {
  const { observe, act } = statementsFor(18, `we"ird'; --\\`, 'da"ta');
  expect(observe[0]).toBe(`CREATE ROLE "we""ird'; --\\" LOGIN`);
  expect(observe[1]).toContain('ON DATABASE "da""ta" TO');
  expect(act.find((statement) => statement.startsWith('DO '))).toContain(`we"ird''''; --`);
});
