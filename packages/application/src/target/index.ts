export { createTarget } from './create-target.ts';
export { deleteTarget } from './delete-target.ts';
export { getTarget } from './get-target.ts';
export { inspectTarget } from './inspect-target.ts';
export { listTargets } from './list-targets.ts';
export { replaceTarget, type TargetReplacement } from './replace-target.ts';
export { grantsOfTarget } from './target-grants.ts';
export { testTarget } from './test-target.ts';
