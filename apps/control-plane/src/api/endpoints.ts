import type { Endpoint } from './endpoint.ts';
import { auditEndpoints } from './routes/audit.ts';
import { backupEndpoints } from './routes/backups.ts';
import { careEndpoints } from './routes/care.ts';
import { catalogueEndpoints } from './routes/catalogue.ts';
import { checkEndpoints } from './routes/checks.ts';
import { customTemplateEndpoints } from './routes/custom-templates.ts';
import { effectEndpoints } from './routes/effects.ts';
import { findingEndpoints } from './routes/findings.ts';
import { healthEndpoints } from './routes/health.ts';
import { jobEndpoints } from './routes/jobs.ts';
import { learningEndpoints } from './routes/learnings.ts';
import { probeEndpoints } from './routes/probes.ts';
import { scheduleActionEndpoints } from './routes/schedule-actions.ts';
import { scheduleEndpoints } from './routes/schedules.ts';
import { targetEndpoints } from './routes/targets.ts';
import { taskEndpoints } from './routes/tasks.ts';

/** Every endpoint of the API: what is not here is not served. */
export const endpoints: readonly Endpoint[] = [
  ...scheduleEndpoints,
  ...scheduleActionEndpoints,
  ...jobEndpoints,
  ...taskEndpoints,
  ...targetEndpoints,
  ...backupEndpoints,
  ...catalogueEndpoints,
  ...checkEndpoints,
  ...findingEndpoints,
  ...effectEndpoints,
  ...learningEndpoints,
  ...careEndpoints,
  ...customTemplateEndpoints,
  ...auditEndpoints,
  ...healthEndpoints,
  ...probeEndpoints,
];
