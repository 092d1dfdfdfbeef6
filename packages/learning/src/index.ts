export * from './carry-forward.ts';
export * from './forecast.ts';
export * from './learn-patterns.ts';
export * from './query-features.ts';
export * from './query-risk.ts';
export * from './query-shape.ts';
export * from './robust-slope.ts';
export * from './suggest-indexes.ts';
