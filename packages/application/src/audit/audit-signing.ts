import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

/** Signs the heads of the audit log with Ed25519. */
export interface AuditSigner {
  /** Base64 of the SPKI in DER: the body of its PEM. */
  readonly publicKey: string;
  /** Base64. */
  sign(text: string): string;
}

/** The signer of a private key. @throws Error when the PEM is none, or not of Ed25519; it does not show the PEM */
export function auditSigner(privateKeyPem: string): AuditSigner {
  const key = parsed(() => createPrivateKey(privateKeyPem), 'private');
  return {
    publicKey: textOf(createPublicKey(key)),
    sign: (text) => sign(null, Buffer.from(text), key).toString('base64'),
  };
}

/** A public key in PEM as `AuditSigner.publicKey` has it. @throws Error when it is none, or not of Ed25519 */
export function publicKeyOf(pem: string): string {
  return textOf(parsed(() => createPublicKey(pem), 'public'));
}

/** Whether this key made the signature of this text; false also for what is no key or no signature. */
export function isSignedBy(publicKey: string, text: string, signature: string): boolean {
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });
    return (
      key.asymmetricKeyType === 'ed25519' && verify(null, Buffer.from(text), key, Buffer.from(signature, 'base64'))
    );
  } catch {
    return false;
  }
}

function parsed(parse: () => KeyObject, kind: 'private' | 'public'): KeyObject {
  let key: KeyObject;
  try {
    key = parse();
  } catch {
    throw new Error(`expected an Ed25519 ${kind} key in PEM, got something else`);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new Error(`expected an Ed25519 ${kind} key in PEM, got one of ${key.asymmetricKeyType}`);
  }
  return key;
}

function textOf(key: KeyObject): string {
  return key.export({ format: 'der', type: 'spki' }).toString('base64');
}
