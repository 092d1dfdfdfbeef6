export { careSettingsProblems } from './check-care-settings.ts';
export { getCareSettings } from './get-care-settings.ts';
export { maintenanceStatus } from './maintenance-status.ts';
export { patchCareSettings } from './patch-care-settings.ts';
export { runCare } from './run-care.ts';
export { takeCareFile } from './take-care-file.ts';
