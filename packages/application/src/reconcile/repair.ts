/** What the reconciler puts right. */
export const repairKinds = [
  /** A job whose tasks were all over was ended. */
  'job_ended',
  /** A schedule that was overdue was fired without its timer. */
  'schedule_fired',
  'timer_set',
  'timer_removed',
  /** A job whose flow was gone from Redis got a new one. */
  'flow_rebuilt',
  /** A flow that its job no longer needs was removed from Redis. */
  'flow_removed',
  /** A delivery that belonged to no flow was removed from Redis. */
  'stray_removed',
  /** A queue with work and nobody looking was woken. */
  'queue_woken',
] as const;
export type RepairKind = (typeof repairKinds)[number];

/** Repairs of one kind that were made together. */
export interface Repair {
  readonly kind: RepairKind;
  /** Ids of jobs, schedules, deliveries or queues. */
  readonly ids: readonly string[];
}
