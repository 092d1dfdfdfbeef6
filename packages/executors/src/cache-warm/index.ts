export { cacheWarm } from './executor.ts';
