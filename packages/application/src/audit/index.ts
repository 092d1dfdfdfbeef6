export { type AuditHeadsDeps, getAuditHeads } from './audit-heads.ts';
export { auditProbe } from './audit-probe.ts';
export { type AuditSigner, auditSigner, publicKeyOf } from './audit-signing.ts';
export { canonicalJson } from './canonical-json.ts';
export { exportAudit } from './export-audit.ts';
export { followChain } from './follow-chain.ts';
export { listAudit } from './list-audit.ts';
export { sealAudit } from './seal-audit.ts';
export { type VerifyAuditDeps, verifyAudit } from './verify-audit.ts';
