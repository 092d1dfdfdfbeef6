export { walArchiving } from './executor.ts';
