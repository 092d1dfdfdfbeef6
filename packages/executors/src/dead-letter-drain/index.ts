export { deadLetterDrain } from './executor.ts';
