export { rollback } from './executor.ts';
