export { type Loop, startLoop } from './loop.ts';
export { stopOnSignal } from './stop-on-signal.ts';
