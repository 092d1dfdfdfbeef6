import type {
  CheckSnapshot,
  GaugeFilter,
  Learning,
  LearningKind,
  LookContext,
  NewLearning,
} from '@slacktide/application/ports';
import type { CheckName, JsonObject } from '@slacktide/domain';
import { expect } from 'vitest';
import { noContext } from '../../../test/support/no-context.ts';
import { postgresCare } from '../src/postgres-care/index.ts';
import type { RigRun, TargetRig } from './target-rig.ts';

/** What the ledger would remember of one target: looks at statements, what was learned, and how gauges went. */
export class Remembered {
  readonly #snapshots = new Map<CheckName, CheckSnapshot[]>();
  readonly #learned = new Map<LearningKind, readonly Learning[]>();
  gauges: (filter: GaugeFilter) => readonly { name: string; oid: number; readings: { at: Date; value: number }[] }[] =
    () => [];

  keep({ reports, learnings }: RigRun): void {
    for (const { check, snapshot: values } of reports) {
      if (values === undefined) continue;
      this.#snapshots.set(check, [{ at: new Date(), values }, ...(this.#snapshots.get(check) ?? [])]);
    }
    for (const [kind, learned] of learnings)
      this.#learned.set(
        kind,
        learned.map((one) => this.#kept(kind, one)),
      );
  }

  valuesOf(kind: LearningKind): readonly JsonObject[] {
    return (this.#learned.get(kind) ?? []).filter(({ key }) => key !== 'summary').map(({ value }) => value);
  }

  /** What is known still keeps the day it was learned first. */
  #kept(kind: LearningKind, { key, value }: NewLearning): Learning {
    const learnedAt = new Date();
    const before = this.#learned.get(kind)?.find((one) => one.key === key);
    return {
      id: '1',
      targetId: 'shop',
      kind,
      key,
      value,
      firstLearnedAt: before?.firstLearnedAt ?? learnedAt,
      learnedAt,
    };
  }

  learned(kind: LearningKind): readonly Learning[] {
    return this.#learned.get(kind) ?? [];
  }

  get context(): LookContext {
    return {
      ...noContext,
      memory: {
        ...noContext.memory,
        snapshots: async (check) => this.#snapshots.get(check) ?? [],
        learned: async (kind) => this.#learned.get(kind) ?? [],
        gauges: async (filter) => this.gauges(filter),
      },
    };
  }
}

/** Runs all steps of care, keeps what they learned, and gives the part of the document that tells of them. */
export async function runCare(rig: TargetRig, remembered: Remembered): Promise<JsonObject> {
  const ran = await rig.run(postgresCare, { force: true }, { context: remembered.context });
  expect(ran.steps.filter(({ outcome }) => outcome.kind === 'failed')).toEqual([]);
  remembered.keep(ran);
  const document = postgresCare.summarise?.(ran.steps)?.['document'] as JsonObject;
  return document['cleanup'] as JsonObject;
}
