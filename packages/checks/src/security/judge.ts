import type { CheckSnapshot } from '@slacktide/application/ports';
import { type CheckReport, type FoundFinding, type JsonObject, type Severity, severities } from '@slacktide/domain';
import type { SecurityFacts } from './facts.ts';
import { judgeHba } from './judge-hba.ts';
import { judgePolicies } from './judge-policies.ts';
import { judgePasswords, judgeRoles } from './judge-roles.ts';
import { judgeRoutines } from './judge-routines.ts';
import { judgeSchemas } from './judge-schemas.ts';
import { judgeViews } from './judge-views.ts';
import type { Part } from './part.ts';
import { createRoleGraph } from './role-graph.ts';
import type { SecurityConfig } from './schema.ts';

/** Risks that not every role can see. */
const hashRisks = ['md5_password', 'password_never_expires'];

/** Judges each kind of thing on its own. `last` = the latest earlier run, whose findings stay where this one may not look. */
export function judgeSecurity(
  facts: SecurityFacts,
  last: CheckSnapshot | undefined,
  config: SecurityConfig,
): CheckReport {
  const graph = createRoleGraph(facts.roles, facts.memberships, facts.database);
  const schemas = new Map(facts.schemas.map((schema) => [schema.name, schema]));
  const rulesBefore = namesIn(last, 'hba_rules');
  const rolesBefore = namesIn(last, 'password_roles');
  const parts = {
    roles: judgeRoles(facts, graph, config),
    passwords: judgePasswords(facts, config, rolesBefore),
    hba_rules: judgeHba(facts.hba, rulesBefore),
    schemas: judgeSchemas(facts.schemas, graph, config),
    routines: judgeRoutines(facts.routines, { graph, database: facts.database, schemas }, config),
    rls_tables: judgePolicies(facts.tables, facts.policies, graph, config),
    views: judgeViews(facts.views, facts.tables, graph, config, facts.majorVersion),
  };
  const all = Object.values(parts);
  return {
    check: 'security',
    checked: all.reduce((sum, { checked }) => sum + checked, 0),
    skipped: all.flatMap(({ skipped }) => skipped),
    unknown: all.flatMap(({ unknown }) => unknown),
    findings: all.flatMap(({ findings }) => findings),
    unjudged: all.flatMap(({ unjudged }) => unjudged),
    figures: figuresOf(parts),
    snapshot: {
      hba_rules: facts.hba.kind === 'read' ? parts.hba_rules.findings.map(nameOf) : rulesBefore,
      password_roles:
        facts.passwords === null ? rolesBefore : [...new Set(parts.passwords.findings.filter(isAboutHash).map(nameOf))],
    },
  };
}

/** What was looked at in each area, and how many findings of each severity it has. */
function figuresOf(parts: Readonly<Record<string, Part>>): JsonObject {
  const areas = Object.entries(parts);
  return {
    ...Object.fromEntries(areas.map(([name, { checked }]) => [`${name}_checked`, checked])),
    areas: Object.fromEntries(areas.map(([name, area]) => [name, areaFigures(area)])),
  };
}

function areaFigures({ checked, findings, skipped, unknown }: Part): JsonObject {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  return {
    checked,
    ...Object.fromEntries(severities.map((severity) => [severity, count(severity)])),
    skipped: skipped.length,
    unknown: unknown.length,
  };
}

function nameOf({ object }: FoundFinding): string {
  return object.name;
}

function isAboutHash({ evidence }: FoundFinding): boolean {
  return hashRisks.includes(String(evidence['risk']));
}

function namesIn(last: CheckSnapshot | undefined, key: string): string[] {
  const names = last?.values[key];
  return Array.isArray(names) ? names.map(String) : [];
}
