import type { FoundFinding, Severity, SkippedObject } from '@slacktide/domain';
import type { HbaFacts, HbaRule } from './facts.ts';
import { isFromAnywhere, isLocal, openTransports, type Transport } from './hba-coverage.ts';
import { advice, listed, type Part, part } from './part.ts';

/** Methods that have the client send the password itself. */
const cleartextMethods = ['password', 'ldap', 'pam', 'bsd', 'radius'];

interface Risk {
  readonly name: string;
  readonly severity: Severity;
  readonly words: string;
}

/** The rules of pg_hba.conf, the first match of which decides. `before` = findings so far, kept where the file cannot be read. */
export function judgeHba(hba: HbaFacts, before: readonly string[]): Part {
  if (hba.kind === 'unknown') {
    const { reason, grant } = hba;
    return part({ checked: 0, unknown: [{ object: 'pg_hba_file_rules', reason, grant }], unjudged: before });
  }
  const broken = hba.rules.filter(({ error, method }) => error !== null && method === null);
  // A rule with an error and a method was understood, and cannot match: hostssl while ssl is off.
  const rules = hba.rules.filter(({ error, method }) => error === null || method !== null);
  const findings: FoundFinding[] = broken.length === 0 ? [] : [brokenFile(broken)];
  const skipped: SkippedObject[] = [];
  for (const [at, rule] of rules.entries()) {
    const open = openTransports(rule, rules.slice(0, at));
    if (open.length === 0) {
      const why = rule.error ?? 'earlier rules match first';
      skipped.push({ object: nameOf(rule), reason: `never reached, line ${rule.line}: ${why}` });
      continue;
    }
    const risks = risksOf(rule, open);
    if (risks.length > 0) findings.push(riskyRule(rule, risks, open, hba.ssl));
  }
  return part({ checked: rules.length - skipped.length, findings, skipped });
}

function risksOf(rule: HbaRule, open: readonly Transport[]): Risk[] {
  const { method } = rule;
  if (method === 'reject' || method === null || isLocal(rule)) return [];
  const anywhere = isFromAnywhere(rule);
  const unencrypted = open.includes('plain');
  const risks: Risk[] = [];
  if (method === 'trust' && !rule.options.includes('clientcert=verify-full')) {
    // With verify-ca a certificate is asked for, but for nobody in particular.
    const severity = rule.options.includes('clientcert=verify-ca') ? 'warning' : 'critical';
    risks.push({ name: 'trust', severity, words: 'asks for no password at all' });
  }
  if (method === 'ident') {
    risks.push({ name: 'ident', severity: 'warning', words: 'believes the client’s machine about who asks' });
  }
  if (unencrypted && cleartextMethods.includes(method)) {
    risks.push({
      name: 'cleartext_password',
      severity: 'warning',
      words: 'lets passwords cross the network in clear text',
    });
  }
  if (anywhere && rule.databases.includes('replication')) {
    risks.push({
      name: 'replication_from_anywhere',
      severity: 'warning',
      words: 'lets replication come from any address',
    });
  }
  if (anywhere && rule.databases.includes('all') && rule.users.includes('all')) {
    const severity = unencrypted ? 'warning' : 'info';
    risks.push({ name: 'open_to_all', severity, words: 'opens all databases to all users from any address' });
  }
  if (unencrypted) risks.push({ name: 'without_tls', severity: 'info', words: 'takes connections without TLS' });
  return risks;
}

function riskyRule(rule: HbaRule, risks: readonly Risk[], open: readonly Transport[], ssl: boolean): FoundFinding {
  const name = nameOf(rule);
  return advice({
    fingerprint: `hba_rule:${name}`,
    severity: worst(risks),
    object: { kind: 'hba_rule', schema: null, name, table: null },
    summary: `Rule "${name}" of pg_hba.conf, line ${rule.line}, ${listed(risks.map(({ words }) => words))}`,
    evidence: {
      risks: risks.map((risk) => risk.name),
      line: rule.line,
      file: rule.file,
      type: rule.type,
      databases: [...rule.databases],
      users: [...rule.users],
      address: rule.address,
      netmask: rule.netmask,
      method: rule.method,
      options: [...rule.options],
      transports: [...open],
      server_ssl: ssl,
    },
    because: 'pg_hba.conf is a file of the server, and a mistake in it locks everybody out',
  });
}

function brokenFile(broken: readonly HbaRule[]): FoundFinding {
  return advice({
    fingerprint: 'hba_file:errors',
    severity: 'critical',
    object: { kind: 'hba_rule', schema: null, name: 'pg_hba.conf', table: null },
    summary: `pg_hba.conf cannot be read at line ${listed(broken.map(({ line }) => String(line)))}: it is not reloaded, and the server would not start again`,
    evidence: {
      risk: 'broken_file',
      errors: broken.map(({ line, file, error }) => ({ line, file, error })),
    },
    because: 'pg_hba.conf is a file of the server',
  });
}

function worst(risks: readonly Risk[]): Severity {
  return (['critical', 'warning'] as const).find((level) => risks.some(({ severity }) => severity === level)) ?? 'info';
}

/** The rule as it is written, without its options. */
function nameOf({ type, databases, users, address, netmask, method }: HbaRule): string {
  return [type, databases.join(), users.join(), address, netmask, method].filter((word) => word !== null).join(' ');
}
