export { custom } from './executor.ts';
