import type { TargetInput } from '@slacktide/contract';
import type { Target } from '@slacktide/domain';

/** What a request says of a target. */
export type TargetContent = Omit<Target, 'id' | 'version' | 'createdAt' | 'updatedAt'>;

export function contentOf(input: TargetInput): TargetContent {
  const { name, kind, connection, secret_ref: secretRef, standbys, labels } = input;
  return { name, kind, connection, secretRef, standbys, labels };
}
