import { safeDrop } from '@slacktide/acting';
import type { PlannedStep, StepOutcome, StepRun } from '@slacktide/application/ports';
import { earlierStatements } from '@slacktide/checks';
import { lookWith } from '../run-check.ts';
import { sampleNodes } from '../sample-nodes.ts';
import type { IndexOptimizeConfig } from './schema.ts';
import { checkOf, type Way, wayOf } from './ways.ts';

/** Has the check look at the index once more, as things are after what this run has dropped, and drops it with every safeguard. */
export async function dropIndex(
  step: PlannedStep,
  way: Exclude<Way, 'rebuild'>,
  run: StepRun<IndexOptimizeConfig>,
): Promise<StepOutcome> {
  // Scans since the last sample count as well.
  if (way === 'unused') await sampleNodes(run);
  const { check, settings } = checkOf(way, run.config);
  const object = `${step.object.schema}.${step.object.name}`;
  const report = await lookWith(check, run, settings, object);
  const finding = report.findings.find(({ fingerprint }) => fingerprint === step.data['fingerprint']);
  if (finding === undefined) {
    const unknown = report.unknown.find((each) => each.object === object);
    return { kind: 'skipped', reason: unknown === undefined ? 'not_found_any_more' : 'not_judged' };
  }
  if (finding.action === null || wayOf(way).keeperOf(finding) !== step.data['keeper']) {
    return { kind: 'skipped', reason: 'found_otherwise' };
  }
  const unusedDays = way === 'unused' ? run.config.unused_days : null;
  return await safeDrop(run, { step, unusedDays, earlier: await earlierStatements(run.memory) });
}
