export { createRelay, type OutboxRelay, type RelayRun } from './relay.ts';
export { type RelayDeps, relayOutbox } from './relay-outbox.ts';
