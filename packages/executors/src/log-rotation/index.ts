export { logRotation } from './executor.ts';
