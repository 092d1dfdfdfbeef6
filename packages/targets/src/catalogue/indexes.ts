import type { TargetReader } from '@slacktide/application/ports';
import { type Resolution, resolveRelations } from './object-name.ts';

/** Ordinary and partitioned indexes. */
const indexKinds = ['i', 'I'];

/** Finds the indexes that texts name, answer by answer: `schema.index` or a bare name that is unique. */
export function resolveIndexes(reader: TargetReader, texts: readonly string[]): Promise<Resolution[]> {
  return resolveRelations(reader, texts, indexKinds);
}
