import { createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

/** PEM of a certificate and its key. */
export interface Certificate {
  cert: string
  key: string
}

/** An authority of this run, and what it says of a host name (RFC 5280). Made here, so that tests need no openssl. */
export function makeCertificates(host: string): { authority: string; server: Certificate } {
  const authority = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const server = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const issuer = name('Edgelog test authority')
  const isAuthority = extension('551d13', sequence(Buffer.from([0x01, 0x01, 0xff])), true)
  const ofHost = extension('551d11', sequence(der(0x82, Buffer.from(host))))
  const signed = (subject: Buffer, key: KeyObject, extensions: Buffer) =>
    certificate({ issuer, subject, key, extensions }, authority.privateKey)
  return {
    authority: signed(issuer, authority.publicKey, isAuthority),
    server: {
      cert: signed(name(host), server.publicKey, ofHost),
      key: createPrivateKey(server.privateKey.export({ type: 'pkcs8', format: 'pem' }))
        .export({ type: 'pkcs8', format: 'pem' })
        .toString(),
    },
  }
}

interface Content {
  issuer: Buffer
  subject: Buffer
  key: KeyObject
  extensions: Buffer
}

function certificate({ issuer, subject, key, extensions }: Content, signer: KeyObject): string {
  // ecdsa-with-SHA256
  const algorithm = sequence(oid('2a8648ce3d040302'))
  const dayMs = 86_400_000
  const content = sequence(
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(15)])),
    algorithm,
    issuer,
    sequence(time(Date.now() - dayMs), time(Date.now() + dayMs)),
    subject,
    key.export({ type: 'spki', format: 'der' }),
    der(0xa3, sequence(extensions)),
  )
  const signature = sign('sha256', content, signer)
  const whole = sequence(content, algorithm, der(0x03, Buffer.concat([Buffer.from([0]), signature])))
  const lines = whole.toString('base64').match(/.{1,64}/g) ?? []
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n')
}

function name(commonName: string): Buffer {
  return sequence(der(0x31, sequence(oid('550403'), der(0x0c, Buffer.from(commonName)))))
}

function extension(id: string, value: Buffer, isCritical = false): Buffer {
  return sequence(oid(id), ...(isCritical ? [Buffer.from([0x01, 0x01, 0xff])] : []), der(0x04, value))
}

function time(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replaceAll(/[-:T]|\..*/g, '')
  return der(0x17, Buffer.from(`${digits.slice(2)}Z`))
}

function oid(hex: string): Buffer {
  return der(0x06, Buffer.from(hex, 'hex'))
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return der(0x30, Buffer.concat(parts))
}

/** Tag, length and content of one value (X.690). */
function der(tag: number, content: Buffer): Buffer {
  const { length } = content
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), content])
  const lengthBytes = length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.from([tag, ...lengthBytes]), content])
}
