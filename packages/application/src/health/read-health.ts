import type { HealthReport as HealthReportView } from '@slacktide/contract';
import { healthReportView } from '../view/health-view.ts';
import type { HealthRegistry } from './health-registry.ts';

/** The aggregated report, as the API shows it. */
export async function readHealth(deps: { readonly health: HealthRegistry }): Promise<HealthReportView> {
  return healthReportView(await deps.health.report());
}
