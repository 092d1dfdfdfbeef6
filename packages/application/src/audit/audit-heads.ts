import type { AuditHeads } from '@slacktide/contract';
import type { AuditChain, LedgerReader } from '../ports/index.ts';
import { auditHeadView } from '../view/audit-view.ts';
import { type AuditSigner, isSignedBy } from './audit-signing.ts';
import { canonicalJson } from './canonical-json.ts';

export interface AuditHeadsDeps {
  readonly auditChain: Pick<AuditChain, 'readHeads' | 'backlog'>;
  readonly ledger: Pick<LedgerReader, 'now'>;
  /** Undefined: heads are not signed. */
  readonly auditSigner: AuditSigner | undefined;
}

/** The ends of all chains, to be kept elsewhere: with them a cut or rewritten log is found out. */
export async function getAuditHeads({ auditChain, auditSigner, ledger }: AuditHeadsDeps): Promise<AuditHeads> {
  const [now, heads, { unsealed }] = [await ledger.now(), await auditChain.readHeads(), await auditChain.backlog()];
  const unsigned = {
    issued_at: now.toISOString(),
    heads: heads.map(auditHeadView),
    unsealed,
    public_key: auditSigner?.publicKey ?? null,
  };
  return { ...unsigned, signature: auditSigner?.sign(canonicalJson(unsigned)) ?? null };
}

/**
 * `valid`: signed with the key that is asked for; `other_key`: signed, with another; `unknown_key`: signed, and no key was
 * given to compare with.
 */
export type HeadsSignature = 'valid' | 'invalid' | 'unsigned' | 'other_key' | 'unknown_key';

/** What the signature of exported heads is worth. */
export function headsSignature({ signature, ...unsigned }: AuditHeads, publicKey: string | undefined): HeadsSignature {
  if (signature === null || unsigned.public_key === null) return 'unsigned';
  if (!isSignedBy(unsigned.public_key, canonicalJson(unsigned), signature)) return 'invalid';
  if (publicKey === undefined) return 'unknown_key';
  return publicKey === unsigned.public_key ? 'valid' : 'other_key';
}
