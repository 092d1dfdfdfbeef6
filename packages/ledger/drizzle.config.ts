import { defineConfig } from 'drizzle-kit';

// `drizzle-kit generate --name <what changed>` after a change of src/schema; what it cannot say (partitions, functions) is
// added by hand to the new file before it is committed, never to an older one.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/schema/index.ts',
  out: './migrations',
  casing: 'snake_case',
});
