import type { HealthReport as HealthReportView, Signal as SignalView } from '@slacktide/contract';
import type { HealthReport } from '../health/health-registry.ts';
import type { Signal } from '../ports/index.ts';

/** The health report as the API shows it. */
export function healthReportView(report: HealthReport): HealthReportView {
  return {
    status: report.status,
    checked_at: report.checkedAt.toISOString(),
    modules: report.modules.map(({ module, status, message, checkedAt }) => ({
      module,
      status,
      message,
      checked_at: checkedAt.toISOString(),
    })),
  };
}

/** A module's signal as the API shows it. */
export function signalView(signal: Signal): SignalView {
  return {
    module: signal.module,
    status: signal.status,
    message: signal.message,
    at: signal.at.toISOString(),
    expires_at: signal.expiresAt.toISOString(),
  };
}
