export { armFailpoints, failpoint } from './failpoint.ts';
