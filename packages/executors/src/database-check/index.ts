export { databaseCheck } from './executor.ts';
