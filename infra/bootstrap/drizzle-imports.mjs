import { enableCompileCache, flushCompileCache, registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

// Makes starting fast, in two ways. Use: node --import <this file> main.ts

// 1. What Node made of each file (stripped of its types, and compiled) is kept for the next start: without it every process
// loads and runs the stripper, 30 MB and half of the time. Not in the system's temporary folder, where others might write.
// Where the folder cannot be written, and with NODE_COMPILE_CACHE or NODE_DISABLE_COMPILE_CACHE set, it is as they say.
if (process.env.NODE_COMPILE_CACHE === undefined) {
  enableCompileCache(fileURLToPath(new URL('../../node_modules/.cache/node-compile', import.meta.url)));
}
// It is written at the end of the process, which a process that is killed does not have.
const loadedAfterMs = 5_000;
setTimeout(flushCompileCache, loadedAfterMs).unref();

// 2. drizzle-orm is several hundred small files. For each of them Node looks up and reads package.json again and again to
// learn whether it is a module; telling it so removes most of the time it takes to load.
registerHooks({
  resolve(specifier, context, nextResolve) {
    if (specifier.startsWith('.') && context.parentURL?.includes('/node_modules/drizzle-orm/')) {
      return { url: new URL(specifier, context.parentURL).href, format: 'module', shortCircuit: true };
    }
    return nextResolve(specifier, context);
  },
});
