export { lookAfterWatches, type WatchTurn } from './look-after-watches.ts';
