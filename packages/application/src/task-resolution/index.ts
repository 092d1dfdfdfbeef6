export { resolveTask } from './resolve-task.ts';
