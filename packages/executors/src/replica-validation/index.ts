export { replicaValidation } from './executor.ts';
