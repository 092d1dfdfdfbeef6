import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { publicKeyOf, verifyAudit } from '@slacktide/application';
import { AuditHeads, type AuditVerdict } from '@slacktide/contract';
import { connectLedger } from '@slacktide/ledger';
import { processEnvironment, readConfig } from './config.ts';
import { readSigningKey } from './signing-key.ts';

// Holds the audit log of DATABASE_URL against its seals and, with --heads, against heads exported earlier. Prints what it found.
// Ends with 0 when the log is intact, 1 when it is not, 2 when nothing could be said: called wrongly, or the ledger could not be read.
const usage = 'usage: verify-audit [--heads FILE] [--public-key FILE]';

interface Options {
  readonly heads: AuditHeads | undefined;
  readonly auditPublicKey: string | undefined;
  readonly databaseUrl: string;
}

/** The key that heads must be signed with: of --public-key, in PEM, else of AUDIT_SIGNING_KEY. */
function readOptions(): Options {
  const { values } = parseArgs({ options: { heads: { type: 'string' }, 'public-key': { type: 'string' } } });
  const config = readConfig({ REDIS_URL: 'redis://unused', ...processEnvironment() });
  const keyFile = values['public-key'];
  return {
    heads:
      values.heads === undefined
        ? undefined
        : AuditHeads.parse(JSON.parse(readFileSync(values.heads, 'utf8')) as unknown),
    auditPublicKey:
      keyFile === undefined
        ? readSigningKey(config.auditSigningKey, processEnvironment())?.publicKey
        : publicKeyOf(readFileSync(keyFile, 'utf8')),
    databaseUrl: config.databaseUrl,
  };
}

function linesOf({ intact, streams, unsealed, heads }: AuditVerdict): string {
  const found = streams.map(({ stream, seq, first_bad: bad }) => {
    if (bad === null) return `${stream}: ${seq} events as sealed`;
    const event = bad.event_id === null ? '' : ` (event ${bad.event_id})`;
    return `${stream}: ${bad.kind}${bad.seq === null ? '' : ` at ${bad.seq}`}${event}; ${seq} events before it as sealed`;
  });
  const exported = heads === null ? [] : [`heads: signature ${heads.signature}${heads.trusted ? '' : ', not trusted'}`];
  return [...found, `not sealed yet: ${unsealed}`, ...exported, intact ? 'intact' : 'NOT INTACT', ''].join('\n');
}

/** With what caused it, which names the address or the missing table. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}

let options: Options;
try {
  options = readOptions();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : error}\n${usage}\n`);
  process.exit(2);
}
const { databaseUrl, auditPublicKey, heads } = options;
const connection = connectLedger({ databaseUrl, applicationName: 'slacktide/verify-audit', maxConnections: 1 });
try {
  const verdict = await verifyAudit({ auditChain: connection.auditChain, auditPublicKey }, { heads });
  process.stdout.write(linesOf(verdict));
  process.exitCode = verdict.intact ? 0 : 1;
} catch (error) {
  process.stderr.write(`the audit log could not be read: ${describe(error)}\n`);
  process.exitCode = 2;
} finally {
  await connection.close();
}
