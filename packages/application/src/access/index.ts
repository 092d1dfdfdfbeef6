export { allows } from './allows.ts';
export { type AuthenticateDeps, authenticate, type Principal } from './authenticate.ts';
export { createApiKey, type NewApiKey } from './create-api-key.ts';
