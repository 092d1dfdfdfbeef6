export { schemaValidation } from './executor.ts';
