import { generateKeyPairSync } from 'node:crypto';
import { expect, it } from 'vitest';
import { auditSigner, isSignedBy, publicKeyOf } from './audit-signing.ts';

const ed25519 = () => {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    privatePem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
};

it('signs a text so that the public key, and no other, says so, of this text and no other', () => {
  const { privatePem, publicPem } = ed25519();
  const signer = auditSigner(privatePem);
  const signature = signer.sign('text');
  expect(publicKeyOf(publicPem)).toBe(signer.publicKey);
  expect(isSignedBy(signer.publicKey, 'text', signature)).toBe(true);
  expect(isSignedBy(signer.publicKey, 'text.', signature)).toBe(false);
  expect(isSignedBy(auditSigner(ed25519().privatePem).publicKey, 'text', signature)).toBe(false);
  expect(isSignedBy('no key', 'text', signature)).toBe(false);
  expect(isSignedBy(signer.publicKey, 'text', 'no signature')).toBe(false);
});

it('takes no key of another kind, and shows none that it cannot read', () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  expect(() => auditSigner(pem)).toThrow('got one of ec');
  expect(() => auditSigner('canary')).toThrow(/^expected an Ed25519 private key in PEM, got something else$/);
  expect(() => publicKeyOf('canary')).toThrow(/^expected an Ed25519 public key in PEM, got something else$/);
});
