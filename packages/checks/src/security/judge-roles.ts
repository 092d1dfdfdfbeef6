import type { FoundFinding, Severity } from '@slacktide/domain';
import type { RoleFacts, SecurityFacts } from './facts.ts';
import { advice, listed, type Part, part } from './part.ts';
import { type Power, powersOf, powerWords } from './powers.ts';
import type { RoleGraph } from './role-graph.ts';
import type { SecurityConfig } from './schema.ts';

/** The superuser that initdb makes: there always is one. */
const bootstrapOid = 10;

/** Before it, whoever has CREATEROLE may make itself a member of any role but a superuser. */
const createRoleBoundedSince = 16;

/** Logins and what they may do. */
export function judgeRoles(facts: SecurityFacts, graph: RoleGraph, config: SecurityConfig): Part {
  const ignored = new Set(config.ignore_roles);
  const logins = facts.roles.filter(({ canLogIn, name }) => canLogIn && !name.startsWith('pg_'));
  const judged = logins.filter(({ name }) => !ignored.has(name));
  return part({
    checked: judged.length,
    skipped: logins
      .filter(({ name }) => ignored.has(name))
      .map(({ name }) => ({ object: name, reason: 'named in ignore_roles' })),
    findings: judged
      .filter(({ oid }) => oid !== bootstrapOid)
      .flatMap((role) =>
        [...powersOf(role.oid, graph)].map(([power, via]) => powerFinding(role, power, via, facts.majorVersion)),
      ),
  });
}

function powerFinding(role: RoleFacts, power: Power, via: readonly string[], majorVersion: number): FoundFinding {
  const how = via.length === 0 ? 'by its own attribute' : `as a member of ${via.join(', and by it of ')}`;
  return advice({
    fingerprint: `role:${role.name}:${power}`,
    severity: severityOf(power, majorVersion),
    object: { kind: 'role', schema: null, name: role.name, table: null },
    summary: `Role ${role.name} can log in and ${powerWords[power]} (${power}), ${how}`,
    evidence: { risk: power, member_of: [...via], own_attribute: via.length === 0 },
    because: 'taking a right from a role stops whatever relies on it',
  });
}

function severityOf(power: Power, majorVersion: number): Severity {
  if (power === 'replication') return 'info';
  return power === 'createrole' && majorVersion >= createRoleBoundedSince ? 'info' : 'warning';
}

/** Passwords of logins: expiry for everybody to see, the kind of hash for few. `before` = roles found so far that only those few can see. */
export function judgePasswords(facts: SecurityFacts, config: SecurityConfig, before: readonly string[]): Part {
  const ignored = new Set(config.ignore_roles);
  const logins = facts.roles.filter(({ canLogIn, name }) => canLogIn && !name.startsWith('pg_') && !ignored.has(name));
  return part({
    checked: facts.passwords === null ? 0 : logins.length,
    findings: [
      ...logins.filter(({ expired }) => expired).map(expiredFinding),
      ...logins.flatMap((role) => hashFindings(role, facts, config)),
      ...settingFindings(facts, ignored),
    ],
    unknown:
      facts.passwords === null
        ? [{ object: 'pg_authid', reason: 'only a superuser may see what kind of password a role has', grant: null }]
        : [],
    unjudged: facts.passwords === null ? before : [],
  });
}

function expiredFinding(role: RoleFacts): FoundFinding {
  return advice({
    fingerprint: `role:${role.name}:password_expired`,
    severity: 'info',
    object: { kind: 'role', schema: null, name: role.name, table: null },
    summary: `The password of role ${role.name} expired at ${role.validUntil}: it can no longer log in with it, but by other methods`,
    evidence: { risk: 'password_expired', valid_until: role.validUntil },
    because: 'whether the role is still wanted is not in the catalogue',
  });
}

function hashFindings(role: RoleFacts, { passwords }: SecurityFacts, config: SecurityConfig): FoundFinding[] {
  const kind = passwords?.get(role.oid) ?? 'none';
  const object = { kind: 'role', schema: null, name: role.name, table: null };
  const weak = advice({
    fingerprint: `role:${role.name}:md5_password`,
    severity: 'warning',
    object,
    summary: `The password of role ${role.name} is kept as an MD5 hash, which is enough to log in with and quick to guess`,
    evidence: { risk: 'md5_password', password_kind: kind },
    because: 'the password has to be set anew by somebody who knows it',
  });
  const endless = advice({
    fingerprint: `role:${role.name}:password_never_expires`,
    severity: 'info',
    object,
    summary: `The password of role ${role.name} never expires`,
    evidence: { risk: 'password_never_expires', password_kind: kind },
    because: 'an expiry date stops the role when nobody renews it',
  });
  const expires = role.validUntil !== null || role.oid === bootstrapOid || !config.require_password_expiry;
  return [...(kind === 'md5' ? [weak] : []), ...(kind !== 'none' && !expires ? [endless] : [])];
}

function settingFindings({ passwordSettings }: SecurityFacts, ignored: ReadonlySet<string>): FoundFinding[] {
  return passwordSettings
    .filter(({ role }) => role === null || !ignored.has(role))
    .map(({ role, database }) => {
      const where = [role === null ? [] : [`role ${role}`], database === null ? [] : [`database ${database}`]].flat();
      const object =
        role === null
          ? { kind: 'setting', schema: null, name: 'password_encryption', table: null }
          : { kind: 'role', schema: null, name: role, table: null };
      return advice({
        fingerprint: ['setting:password_encryption', ...where].join(':'),
        severity: 'warning',
        object,
        summary: `password_encryption is md5 ${where.length === 0 ? 'on the server' : `for ${listed(where)}`}: new passwords are kept as MD5 hashes`,
        evidence: { risk: 'md5_password_encryption', role, database },
        because: 'old clients may not know scram-sha-256',
      });
    });
}
