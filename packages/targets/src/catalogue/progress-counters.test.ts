import { expect, it } from 'vitest';
import { counterOf, type ProgressView } from './progress-counters.ts';

const index = { blocks_done: 7, blocks_total: 10, tuples_done: 3, tuples_total: 9, lockers_done: 1, lockers_total: 2 };
const vacuum = { heap_blks_scanned: 5, heap_blks_vacuumed: 2, heap_blks_total: 20 };
const analyze = { sample_blks_scanned: 4, sample_blks_total: 8, ext_stats_computed: 1, ext_stats_total: 2 };

it.each<[ProgressView, string, Record<string, number>, unknown]>([
  ['create_index', 'building index: scanning table', index, { done: 7, total: 10 }],
  ['create_index', 'index validation: scanning index', index, { done: 7, total: 10 }],
  ['create_index', 'index validation: scanning table', index, { done: 7, total: 10 }],
  ['create_index', 'building index: loading tuples in tree', index, { done: 3, total: 9 }],
  ['create_index', 'building index', index, { done: 7, total: 10 }],
  ['create_index', 'building index: scanning table', { ...index, blocks_done: 10 }, null],
  ['create_index', 'building index: sorting live tuples', index, null],
  ['create_index', 'waiting for writers before build', index, null],
  ['create_index', 'waiting for old snapshots', index, null],
  ['create_index', 'initializing', index, null],
  ['vacuum', 'scanning heap', vacuum, { done: 5, total: 20 }],
  ['vacuum', 'vacuuming heap', vacuum, { done: 2, total: 20 }],
  ['vacuum', 'vacuuming indexes', vacuum, null],
  ['vacuum', 'vacuuming indexes', { ...vacuum, indexes_processed: 1, indexes_total: 4 }, { done: 1, total: 4 }],
  ['vacuum', 'truncating heap', vacuum, null],
  ['analyze', 'acquiring sample rows', analyze, { done: 4, total: 8 }],
  ['analyze', 'acquiring inherited sample rows', analyze, { done: 4, total: 8 }],
  ['analyze', 'computing extended statistics', analyze, { done: 1, total: 2 }],
  ['analyze', 'computing statistics', analyze, null],
  ['cluster', 'seq scanning heap', vacuum, { done: 5, total: 20 }],
  ['vacuum', 'scanning heap', { heap_blks_scanned: 0, heap_blks_total: 0 }, null],
  ['vacuum', 'scanning heap', { heap_blks_scanned: 9, heap_blks_total: 8 }, { done: 8, total: 8 }],
])('%s "%s"', (view, phase, columns, counter) => {
  expect(counterOf(view, phase, columns)).toEqual(counter);
});
