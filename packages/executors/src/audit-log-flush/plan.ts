import { shown } from '@slacktide/acting';
import type { Plan, PlannedStep } from '@slacktide/application/ports';
import type { AuditFacts, NewStretch } from './facts.ts';
import type { AuditLogFlushConfig } from './schema.ts';

/** Reading and hashing, by experience on two cores. */
const linksPerSecond = 10_000;

/** All chains are verified from their beginning; then one step for each stream in which something is new. */
export function planFlush(
  { heads, kept, stretches, folderProblem }: AuditFacts,
  { archive_to: folder }: AuditLogFlushConfig,
): Plan {
  const links = heads.reduce((sum, { seq }) => sum + seq, 0);
  const verify: PlannedStep = {
    key: 'verify',
    object: { kind: 'record', oid: null, schema: null, name: 'audit log' },
    // It looks, and sends the target nothing.
    statements: [],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: Math.ceil(links / linksPerSecond),
    reversible: false,
    data: { action: 'verify', links, heads: kept.map((head) => ({ ...head })) },
  };
  if (folder === null) return { steps: [verify], checked: heads.length, skipped: [], unknown: [] };
  const old = heads.filter(({ stream }) => !stretches.some(({ stretch }) => stretch.stream === stream));
  return {
    steps: [verify, ...stretches.map((stretch) => exportStep(folder, stretch))],
    checked: heads.length,
    skipped: old.map(({ stream }) => ({ object: `stream ${stream}`, reason: 'nothing_new' })),
    unknown: folderProblem === null ? [] : [{ object: shown(folder), reason: folderProblem, grant: null }],
  };
}

function exportStep(folder: string, { stretch, file }: NewStretch): PlannedStep {
  const { stream, afterSeq, previousHash, head } = stretch;
  const path = `${folder}/${file}`;
  return {
    key: `export/${stream}`,
    object: { kind: 'file', oid: null, schema: null, name: path },
    statements: [`write events ${afterSeq + 1} to ${head.seq} of stream ${stream} to ${shown(path)}`],
    lockMode: null,
    sizeBytes: null,
    expectedSeconds: Math.ceil((head.seq - afterSeq) / linksPerSecond),
    reversible: true,
    data: {
      action: 'export',
      folder,
      file,
      stream,
      after_seq: afterSeq,
      previous_hash: previousHash,
      until_seq: head.seq,
      hash: head.hash,
    },
  };
}
