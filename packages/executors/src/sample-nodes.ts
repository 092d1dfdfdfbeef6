import { type NodeObservation, type StepOutcome, type StepRun, TargetError } from '@slacktide/application/ports';
import { measuredWaste } from '@slacktide/checks';
import type { JsonObject } from '@slacktide/domain';
import { readNode } from '@slacktide/targets';

/** Samples the target and each of its standbys; a standby that cannot be reached is told, and does not fail the step. */
export async function sampleNodes<Config>(run: StepRun<Config>): Promise<StepOutcome> {
  const nodes: JsonObject[] = [];
  const primary = withWaste(await readNode(run.observer, 'primary'), await measuredWaste(run.memory));
  await run.observe(primary);
  nodes.push({ node: primary.node, objects: primary.readings.length });
  for (const standby of run.standbys) {
    try {
      const seen = await standby.read((reader) => readNode(reader, standby.name));
      await run.observe(seen);
      nodes.push({ node: standby.name, objects: seen.readings.length });
    } catch (error) {
      if (!(error instanceof TargetError) || run.signal.aborted) throw error;
      nodes.push({ node: standby.name, error: `${error.code}: ${error.message}` });
    }
  }
  return { kind: 'done', result: { nodes } };
}

/** Bloat is measured by checks, in turn: the latest figure of each relation stands among its gauges until it is rewritten. */
function withWaste(seen: NodeObservation, waste: ReadonlyMap<number, number>): NodeObservation {
  const readings = seen.readings.map((reading) => {
    const percent = reading.filenode === null ? undefined : waste.get(reading.filenode);
    return percent === undefined ? reading : { ...reading, gauges: { ...reading.gauges, waste_percent: percent } };
  });
  return { ...seen, readings };
}
