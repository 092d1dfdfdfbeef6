import type { Target, TargetSelection } from '@slacktide/domain';
import type { TargetReaderStore } from '../ports/index.ts';

/** The targets a schedule is for, at this moment. */
export async function selectTargets(
  targets: Pick<TargetReaderStore, 'findByIds' | 'findByLabels'>,
  selection: TargetSelection,
): Promise<readonly Target[]> {
  return selection.kind === 'ids'
    ? await targets.findByIds(selection.ids)
    : await targets.findByLabels(selection.labels);
}
