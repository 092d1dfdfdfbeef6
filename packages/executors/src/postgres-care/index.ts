export { postgresCare } from './executor.ts';
