import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** `SLACKTIDE_HOME`: what the local stack keeps between two starts. */
export interface Home {
  dir: string;
  /** Whether nothing was in it before this start. */
  isNew: boolean;
  /** Only its owner reads these. */
  secretsDir: string;
  logDir: string;
  redisDir: string;
  devFile: string;
  portsFile: string;
  launcherFile: string;
}

/** Makes the directory where it is missing. Throws when it belongs to another user, as its servers' files then do, too. */
export function openHome(dir: string): Home {
  // 0711: PostgreSQL, which root runs as user postgres, has to pass through. What is private is private by itself.
  mkdirSync(dir, { recursive: true, mode: 0o711 });
  const owner = statSync(dir).uid;
  if (process.getuid && owner !== process.getuid()) {
    throw new Error(`${dir} belongs to user id ${owner}: start as that user, or choose another SLACKTIDE_HOME.`);
  }
  const home = {
    dir,
    isNew: readdirSync(dir).length === 0,
    secretsDir: join(dir, 'secrets'),
    logDir: join(dir, 'log'),
    redisDir: join(dir, 'redis'),
    devFile: join(dir, 'dev.json'),
    portsFile: join(dir, 'ports.json'),
    launcherFile: join(dir, 'launcher.json'),
  };
  for (const folder of [home.secretsDir, home.logDir, home.redisDir])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  return home;
}

/** The file of a secret, e.g. for a reference `file:<path>`. */
export function secretFile(home: Home, name: string): string {
  return join(home.secretsDir, name);
}

/** A secret that is made once and kept from then on. Default: 24 random bytes, fit for a URL. */
export function keptSecret(
  home: Home,
  name: string,
  make: () => string = () => randomBytes(24).toString('base64url'),
): string {
  const file = secretFile(home, name);
  try {
    return readFileSync(file, 'utf8');
  } catch {
    const secret = make();
    writeFileSync(file, secret, { mode: 0o600, flag: 'wx' });
    return secret;
  }
}

/** The reference of a key that signs the heads of the audit log, made once and kept from then on. */
export function keptSigningKey(home: Home): string {
  const name = 'audit-signing-key.pem';
  keptSecret(home, name, () =>
    generateKeyPairSync('ed25519').privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
  );
  return `file:${secretFile(home, name)}`;
}
