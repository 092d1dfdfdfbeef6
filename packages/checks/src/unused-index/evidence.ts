import type { NodeUsage, ObservedUsage } from '@slacktide/application/ports';
import { objectKey } from '@slacktide/domain';
import type { IndexDefinition } from '../catalogue/index-definitions.ts';
import type { IndexTree } from '../catalogue/index-trees.ts';
import type { StandbyCounters } from './read.ts';

/** How the use of indexes is known. */
export type Use =
  /** By our own samples, over a window of days. */
  | { readonly kind: 'samples'; readonly days: number; readonly now: Date; readonly usage: readonly ObservedUsage[] }
  /** By the servers' counters as they stand, whenever those were last reset. */
  | { readonly kind: 'counters'; readonly standbys: ReadonlyMap<string, StandbyCounters> };

/** Scans of an index, with all below it, on one node. */
export interface ScansOnNode {
  readonly node: string;
  readonly scans: number;
  /** Contiguous days of observation, of the part that was observed for the shortest; null = by counters. */
  readonly days: number | null;
}

/** What is known of an index's use. */
export interface Evidence {
  readonly nodes: readonly ScansOnNode[];
  /** Why that is not enough to call it unused; null = it is enough. */
  readonly gap: string | null;
}

type Leaves = readonly IndexDefinition[];
interface OnNode {
  /** Null = nothing is known. */
  readonly scans: ScansOnNode | null;
  readonly gap: string | null;
}

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
/** What is sampled once a day, and a little late, is still being watched. */
const longestSilenceMs = 26 * hourMs;

/** Finds what is known of an index; `nodes` = names of all that should be. */
export function evidenceFinder(use: Use, nodes: readonly string[]): (tree: IndexTree) => Evidence {
  const find = use.kind === 'samples' ? samplesFinder(use) : countersFinder(use.standbys);
  return ({ members }) => {
    const leaves = members.filter(({ partitioned }) => !partitioned);
    const found = nodes.map((node) => find(leaves, node));
    return {
      nodes: found.flatMap(({ scans }) => scans ?? []),
      gap: found.find(({ gap }) => gap !== null)?.gap ?? null,
    };
  };
}

function samplesFinder({ days, now, usage }: Extract<Use, { kind: 'samples' }>) {
  const byOid = new Map(usage.map(({ oid, nodes }) => [oid, new Map(nodes.map((each) => [each.node, each]))]));
  const gapOf = (node: string, sampled: NodeUsage | undefined): string | null => {
    if (sampled === undefined) return `${spoken(node)} was not sampled`;
    if (now.getTime() - sampled.lastSampledAt.getTime() > longestSilenceMs) {
      return `${spoken(node)} was last sampled at ${sampled.lastSampledAt.toISOString()}`;
    }
    if (daysOf(sampled) >= days) return null;
    const where = node === 'primary' ? '' : ` on ${spoken(node)}`;
    return `observed for ${roundedDown(daysOf(sampled))} of ${days} days${where}`;
  };
  return (leaves: Leaves, node: string): OnNode => {
    const sampled = leaves.map((leaf) => ({ leaf, usage: byOid.get(leaf.oid)?.get(node) }));
    const known = sampled.flatMap(({ usage }) => usage ?? []);
    const [gap = null] = sampled.flatMap(({ leaf, usage }) => {
      const found = gapOf(node, usage);
      if (found === null) return [];
      return [leaves.length === 1 ? found : `${objectKey(leaf)}: ${found}`];
    });
    if (known.length === 0) return { scans: null, gap };
    const scans = known.reduce((total, usage) => total + usage.scans, 0);
    return { scans: { node, scans, days: roundedDown(Math.min(...known.map(daysOf))) }, gap };
  };
}

function countersFinder(standbys: ReadonlyMap<string, StandbyCounters>) {
  return (leaves: Leaves, node: string): OnNode => {
    const counters = standbys.get(node);
    if (typeof counters === 'string') return { scans: null, gap: counters };
    const scans = leaves.map((leaf) => (counters === undefined ? leaf.scans : counters.get(objectKey(leaf))));
    const known = scans.filter((each) => each !== undefined);
    return {
      scans: { node, scans: known.reduce((total, each) => total + each, 0), days: null },
      gap: known.length === scans.length ? null : `${spoken(node)} does not have it yet`,
    };
  };
}

function daysOf({ observedSince, lastSampledAt }: NodeUsage): number {
  return (lastSampledAt.getTime() - observedSince.getTime()) / dayMs;
}

/** To a tenth: what fell short of a window never reads as if it had not. */
function roundedDown(days: number): number {
  return Math.floor(10 * days) / 10;
}

function spoken(node: string): string {
  return node === 'primary' ? 'the primary' : `standby ${node}`;
}
