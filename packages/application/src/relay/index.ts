export { type RelayDeps, relayOutbox } from './relay-outbox.ts';
