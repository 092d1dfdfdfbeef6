export { indexCreate } from './executor.ts';
