export { previewPlan } from './preview-plan.ts';
