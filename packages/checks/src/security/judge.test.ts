import { describe, expect, it } from 'vitest';
import { isAlwaysTrue } from './always-true.ts';
import type { HbaRule, Membership, RoleFacts, SecurityFacts } from './facts.ts';
import { openTransports } from './hba-coverage.ts';
import { judgeSecurity } from './judge.ts';
import { createRoleGraph } from './role-graph.ts';
import { checkType } from './schema.ts';

const config = checkType.config.parse({});
const database = { name: 'shop', owner: 10, creators: [10], temporaryCreators: [0, 10] };
const role = (oid: number, name: string, given: Partial<RoleFacts> = {}): RoleFacts => ({
  oid,
  name,
  superuser: false,
  createsRoles: false,
  replicates: false,
  bypassesRls: false,
  canLogIn: true,
  validUntil: null,
  expired: false,
  ...given,
});
const postgres = role(10, 'postgres', { superuser: true });
const member = (from: number, to: number, options: Partial<Membership> = {}): Membership => ({
  member: from,
  role: to,
  admin: false,
  inherits: true,
  sets: true,
  ...options,
});
const facts = (given: Partial<SecurityFacts> = {}): SecurityFacts => ({
  majorVersion: 18,
  roles: [postgres],
  memberships: [],
  passwords: new Map(),
  passwordSettings: [],
  hba: { kind: 'read', rules: [], ssl: true },
  database,
  schemas: [],
  routines: [],
  tables: [],
  policies: [],
  views: [],
  ...given,
});
const rule = (text: string, given: Partial<HbaRule> = {}): HbaRule => {
  const [type = '', databases = '', users = '', address = null, method = null] = text.split(' ');
  const [host = '', bits] = (address ?? '').split('/');
  const hex = (value: bigint): string => value.toString(16).padStart(8, '0');
  const mask = bits === undefined ? null : (0xffffffffn << BigInt(32 - Number(bits))) & 0xffffffffn;
  const base = host.split('.').reduce((sum, part) => sum * 256n + BigInt(Number(part) || 0), 0n);
  return {
    line: 1,
    file: null,
    type,
    databases: databases.split(','),
    users: users.split(','),
    address: host,
    netmask: mask === null ? null : 'mask',
    addressHex: mask === null ? null : hex(base),
    netmaskHex: mask === null ? null : hex(mask),
    method,
    options: [],
    error: null,
    ...given,
  };
};
const hbaRisks = (...rules: HbaRule[]) =>
  judgeSecurity(facts({ hba: { kind: 'read', rules, ssl: true } }), undefined, config).findings.map(
    ({ severity, evidence }) => `${severity} ${String(evidence['risks'])}`,
  );

describe('memberships', () => {
  const graph = (memberships: Membership[]) =>
    createRoleGraph([postgres, role(1, 'a'), role(2, 'b'), role(3, 'c', { superuser: true })], memberships, database);

  it.each([
    ['SET ROLE, then SET ROLE', [member(1, 2), member(2, 3)], true],
    ['SET ROLE, then inheriting', [member(1, 2, { inherits: false }), member(2, 3, { sets: false })], false],
    [
      'inheriting, then SET ROLE, which is asked of the session’s role',
      [member(1, 2, { sets: false }), member(2, 3, { inherits: false })],
      undefined,
    ],
    [
      'inheriting the right to grant',
      [member(1, 2, { sets: false }), member(2, 3, { sets: false, inherits: false, admin: true })],
      true,
    ],
    ['neither', [member(1, 2, { sets: false, inherits: false }), member(2, 3)], undefined],
    ['in a ring', [member(1, 2), member(2, 1), member(2, 3)], true],
  ])('by %s', (_, memberships, becomes) => {
    expect(graph(memberships).reached(1).get(3)?.becomes).toBe(becomes);
  });

  it('prefers the way by which a role becomes another over one that merely inherits, whichever comes first', () => {
    const way = graph([member(1, 3, { sets: false }), member(1, 2), member(2, 3)])
      .reached(1)
      .get(3);
    expect(way).toEqual({ becomes: true, via: ['b', 'c'] });
  });

  it('lets pg_database_owner stand for the owner of this database', () => {
    const owned = createRoleGraph([postgres, role(1, 'a'), role(6171, 'pg_database_owner')], [], {
      ...database,
      owner: 1,
    });
    expect(owned.mayActAs(6171, 1)).toBe(true);
    expect(owned.mayActAs(6171, 10)).toBe(false);
    expect(owned.mayActAs(1, 6171)).toBe(true);
  });
});

describe('pg_hba.conf', () => {
  it.each([
    ['a rule before it for all of it', 'host all all 10.0.0.0/8 reject', 'host shop app 10.1.0.0/16 trust', []],
    ['rejected without TLS', 'hostnossl all all 10.0.0.0/8 reject', 'host all all 10.1.0.0/16 trust', ['tls']],
    ['rejected with TLS', 'hostssl all all 10.0.0.0/8 reject', 'host all all 10.1.0.0/16 trust', ['plain', 'gss']],
    [
      'a narrower one before it',
      'host all all 10.1.0.0/16 reject',
      'host all all 10.0.0.0/8 trust',
      ['plain', 'tls', 'gss'],
    ],
    [
      'all, which is not replication',
      'host all all 10.0.0.0/8 reject',
      'host replication all 10.1.0.0/16 trust',
      ['plain', 'tls', 'gss'],
    ],
    ['another user', 'host all app 10.0.0.0/8 reject', 'host all app,root 10.1.0.0/16 trust', ['plain', 'tls', 'gss']],
    ['a host name', 'host all all 0.0.0.0/0 reject', 'host all all shop.example trust', ['plain', 'tls', 'gss']],
    ['the same host name', 'host all all shop.example reject', 'host all all shop.example trust', []],
    [
      'all addresses, of which one version is left',
      'host all all 0.0.0.0/0 reject',
      'host all all all trust',
      ['plain', 'tls', 'gss'],
    ],
  ])('after %s', (_, earlier, later, expected) => {
    expect(openTransports(rule(later), [rule(earlier)])).toEqual(expected);
  });

  it('minds what TLS makes of a method', () => {
    expect(hbaRisks(rule('hostssl all app 10.0.0.0/8 password'))).toEqual([]);
    expect(hbaRisks(rule('host all app 10.0.0.0/8 ldap'))).toEqual(['warning cleartext_password,without_tls']);
    expect(hbaRisks(rule('hostnossl all all 0.0.0.0/0 reject'), rule('host all app 0.0.0.0/0 password'))).toEqual([]);
    expect(hbaRisks(rule('hostssl all all 0.0.0.0/0 cert'))).toEqual(['info open_to_all']);
    expect(hbaRisks(rule('hostssl all app 10.0.0.0/8 trust', { options: ['clientcert=verify-full'] }))).toEqual([]);
    expect(hbaRisks(rule('hostssl all app 10.0.0.0/8 trust', { options: ['clientcert=verify-ca'] }))).toEqual([
      'warning trust',
    ]);
    expect(hbaRisks(rule('host all app samehost trust'))).toEqual([]);
    expect(hbaRisks(rule('host all app samenet trust'))).toEqual(['critical trust,without_tls']);
    expect(hbaRisks(rule('host all app 127.0.0.0/7 trust'))).toEqual(['critical trust,without_tls']);
  });

  it('tells a rule that cannot match from a line that cannot be read', () => {
    const findings = hbaRisks(
      rule('hostssl all all 0.0.0.0/0 trust', { error: 'hostssl record cannot match because SSL is disabled' }),
      rule('host all app 10.0.0.0/8 scram-sha-256'),
    );
    expect(findings).toEqual(['info without_tls']);
    const unread = {
      type: null,
      databases: [],
      users: [],
      address: null,
      addressHex: null,
      netmaskHex: null,
      method: null,
    };
    expect(hbaRisks(rule('', { ...unread, error: 'invalid connection type "hots"' }))).toEqual(['critical undefined']);
  });
});

describe('conditions of policies', () => {
  it.each([
    'true',
    '(true)',
    '(1 = 1)',
    "('a'::text = 'a'::text)",
    '(true OR (a = 1))',
    '(NOT false)',
    '((NOT false) AND ( SELECT true))',
    '( SELECT true AS bool)',
    "((1 = 1) AND (('x)'::text = 'x)'::text) OR (b = 2)))",
  ])('%s is always true', (text) => {
    expect(isAlwaysTrue(text)).toBe(true);
  });
  it.each([
    null,
    'false',
    '(a = 1)',
    '(a = a)',
    '(1 = 2)',
    '(true AND (a = 1))',
    "(name = ' OR true')",
    '(a OR b)',
    '(NOT true)',
    '(1 = 1) = b',
    'is_admin()',
    '("a OR true" = 1)',
    '(auth.uid() IS NOT NULL)',
  ])('%s is not', (text) => {
    expect(isAlwaysTrue(text)).toBe(false);
  });
});

describe('what cannot be seen', () => {
  const last = { at: new Date(0), values: { hba_rules: ['host all all all trust'], password_roles: ['weak'] } };

  it('keeps what an earlier run with more rights found, and remembers it', () => {
    const hidden = facts({ passwords: null, hba: { kind: 'unknown', reason: 'no', grant: 'GRANT' } });
    const report = judgeSecurity(hidden, last, config);
    expect(report.unjudged).toEqual(['weak', 'host all all all trust']);
    expect(report.unknown.map(({ object, grant }) => [object, grant])).toEqual([
      ['pg_authid', null],
      ['pg_hba_file_rules', 'GRANT'],
    ]);
    expect(report.snapshot).toEqual(last.values);
  });

  it('is nothing to the superuser', () => {
    expect(judgeSecurity(facts(), last, config)).toMatchObject({
      checked: 2,
      unknown: [],
      unjudged: [],
      snapshot: { hba_rules: [], password_roles: [] },
    });
  });
});

it('never takes the bootstrap superuser for a finding, but for its password', () => {
  const { findings } = judgeSecurity(facts({ passwords: new Map([[10, 'md5']]) }), undefined, config);
  expect(findings.map(({ fingerprint }) => fingerprint)).toEqual(['role:postgres:md5_password']);
});

it('has CREATEROLE weigh less since 16, where it reaches only roles of its own making', () => {
  const maker = [postgres, role(1, 'maker', { createsRoles: true })];
  const severityOn = (majorVersion: number) =>
    judgeSecurity(facts({ majorVersion, roles: maker }), undefined, config).findings[0]?.severity;
  expect([severityOn(15), severityOn(16)]).toEqual(['warning', 'info']);
});
