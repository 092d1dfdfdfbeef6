export type { ReconcileDeps } from './reconcile-deps.ts';
export { createReconciler, type ReconcilePass, type Reconciler } from './reconciler.ts';
export { type Repair, type RepairKind, repairKinds } from './repair.ts';
