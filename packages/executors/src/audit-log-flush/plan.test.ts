import type { AuditHead } from '@slacktide/application/ports';
import { expect, it } from 'vitest';
import type { AuditFacts } from './facts.ts';
import { planFlush } from './plan.ts';
import { taskType } from './schema.ts';

const hash = 'a'.repeat(64);
const head = (stream: AuditHead['stream'], seq: number): AuditHead => ({ stream, seq, hash, sealedAt: null });
const facts: AuditFacts = {
  heads: [head('work', 25_000), head('access', 0)],
  kept: [{ stream: 'work', seq: 10, hash }],
  stretches: [
    {
      stretch: { stream: 'work', afterSeq: 10, previousHash: hash, head: { seq: 25_000, hash } },
      file: 'audit-work-000000000011-000000025000.jsonl.zst',
    },
  ],
  folderProblem: null,
};
const plan = (changes: Partial<AuditFacts>, config: object) =>
  planFlush({ ...facts, ...changes }, taskType.config.parse(config));

it('verifies only, unless a folder is named', () => {
  const made = plan({ kept: [], stretches: [] }, {});
  expect(made).toMatchObject({ checked: 2, skipped: [], unknown: [] });
  expect(made.steps).toMatchObject([{ key: 'verify', statements: [], expectedSeconds: 3, data: { links: 25_000 } }]);
});

it('writes what is new in each stream, and says where nothing is', () => {
  const made = plan({}, { archive_to: '/srv/audit' });
  expect(made.steps).toMatchObject([
    { key: 'verify', data: { heads: [{ stream: 'work', seq: 10 }] } },
    {
      key: 'export/work',
      object: { kind: 'file', name: '/srv/audit/audit-work-000000000011-000000025000.jsonl.zst' },
      statements: [
        'write events 11 to 25000 of stream work to /srv/audit/audit-work-000000000011-000000025000.jsonl.zst',
      ],
    },
  ]);
  expect(made.skipped).toEqual([{ object: 'stream access', reason: 'nothing_new' }]);
});

it('says of a folder that is away that it is', () => {
  const made = plan({ folderProblem: 'folder_missing: gone' }, { archive_to: '/srv/audit' });
  expect(made.unknown).toEqual([{ object: '/srv/audit', reason: 'folder_missing: gone', grant: null }]);
});
