export { checkpoint } from './executor.ts';
