export { type Loop, startLoop } from './loop.ts';
export { orEnd } from './or-end.ts';
export { stopOnSignal } from './stop-on-signal.ts';
