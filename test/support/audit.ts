import { generateKeyPairSync } from 'node:crypto';
import { type AuditSigner, auditSigner, getAuditHeads, sealAudit, verifyAudit } from '@slacktide/application';
import type { AuditHeads } from '@slacktide/contract';
import { connectLedger } from '@slacktide/ledger';
import { onTestFinished } from 'vitest';
import { freshLedger, lookInto } from './ledger.ts';
import { tamper } from './tamper.ts';

/** A new Ed25519 key: in PEM, and as a signer. */
export function newSigningKey(): { readonly pem: string; readonly signer: AuditSigner } {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { pem, signer: auditSigner(pem) };
}

/** The audit log of a ledger of the running test's own, and everything that can be done to it, also what must not. */
export async function auditSetup() {
  const databaseUrl = await freshLedger();
  const { ledger, auditChain, close } = connectLedger({ databaseUrl, applicationName: 'test', maxConnections: 4 });
  onTestFinished(close);
  const sql = lookInto(databaseUrl);
  const { signer } = newSigningKey();
  return {
    databaseUrl,
    auditChain,
    ledger,
    sql,
    signer,
    tamper: (change: Parameters<typeof tamper>[1]) => tamper(sql, change),

    /** Writes one event of each of these entities, with ids counted from 1 in a new ledger. */
    write: async (entities: readonly string[]) => {
      await sql`
        INSERT INTO audit_events (actor, action, entity, entity_id, trace_id, before, after)
        SELECT 'system:test', 'try', entity, 'entity ' || position, md5(position::text), NULL, jsonb_build_object('n', position, 'state', 'PENDING')
        FROM unnest(${[...entities]}::text[]) WITH ORDINALITY AS entry (entity, position)`;
    },
    seal: async () => {
      while ((await sealAudit({ auditChain }, 1_000)) !== 0);
    },
    exportHeads: () => getAuditHeads({ auditChain, ledger, auditSigner: signer }),
    exportWith: (auditSigner: AuditSigner | undefined) => getAuditHeads({ auditChain, ledger, auditSigner }),
    verify: (heads?: AuditHeads) => verifyAudit({ auditChain, auditPublicKey: signer.publicKey }, { heads }),
    verifyWith: (auditPublicKey: string | undefined, heads: AuditHeads) =>
      verifyAudit({ auditChain, auditPublicKey }, { heads }),

    /** Forgets everything, as if the ledger were new. */
    empty: () =>
      tamper(sql, async (tx) => {
        await tx`TRUNCATE audit_events, audit_seals RESTART IDENTITY`;
        await tx`UPDATE audit_sealing SET settled_id = 0, asked_id = NULL, writers = NULL`;
      }),
  };
}
