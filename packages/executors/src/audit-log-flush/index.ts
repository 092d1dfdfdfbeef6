export { auditLogFlush } from './executor.ts';
