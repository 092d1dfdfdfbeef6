export { findingAction } from './executor.ts';
