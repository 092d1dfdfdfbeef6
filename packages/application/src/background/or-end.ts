/** Reads a configuration. One that is wrong is the operator's to mend: a line on stderr, no stack, exit code 2. */
export function orEnd<T>(service: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    process.stderr.write(`${service}: ${error instanceof Error ? error.message : String(error)}\n`);
    process.exit(2);
  }
}
