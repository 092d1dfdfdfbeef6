/** How a module is. Worst first: UNHEALTHY, DEGRADED, HEALTHY. */
export const healthStatuses = ['HEALTHY', 'DEGRADED', 'UNHEALTHY'] as const;
export type HealthStatus = (typeof healthStatuses)[number];

/** What one module reports. */
export interface ModuleHealth {
  readonly module: string;
  readonly status: HealthStatus;
  readonly message: string;
  readonly checkedAt: Date;
}

/** A module's health function. Rejecting or taking longer than its time limit counts as UNHEALTHY. */
export type Probe = () => Promise<ProbeAnswer>;

export interface ProbeAnswer {
  readonly status: HealthStatus;
  readonly message: string;
  /** Stable name of what is wrong, where somebody acts on it. */
  readonly code?: string;
}
