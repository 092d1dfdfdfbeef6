export { securityScan } from './executor.ts';
