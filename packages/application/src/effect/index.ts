export { listEffects } from './list-effects.ts';
