import { Webhook } from 'standardwebhooks'
import { describe, expect, it } from 'vitest'
import { newSigningSecret, signingKey } from '../../../src/features/notification-channels/channel.ts'
import { signatureOf } from '../../../src/features/notification-channels/send/webhook.ts'
import { noticeOf } from '../../support/notices.ts'

const notice = noticeOf()
const body = JSON.stringify(notice)

function headers(secret: string, seconds = Math.floor(Date.now() / 1000)) {
  return {
    'webhook-id': notice.id,
    'webhook-timestamp': String(seconds),
    'webhook-signature': signatureOf(secret, notice.id, seconds, body),
  }
}

describe('a signature', () => {
  it('is one that the library of Standard Webhooks accepts', () => {
    const secret = newSigningSecret()
    expect(new Webhook(secret).verify(body, headers(secret))).toEqual(notice)
  })

  it('is that of the example in the scheme', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
    const signature = signatureOf(secret, 'msg_p5jXN8AQM9LWM0D4loKWxJek', 1614265330, '{"test": 2432232314}')
    expect(signature).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=')
  })

  it('does not hold for another body, another time, another secret or an old message', () => {
    const secret = newSigningSecret()
    const webhook = new Webhook(secret)
    const now = Math.floor(Date.now() / 1000)
    expect(() => webhook.verify(body.replace('12', '13'), headers(secret))).toThrow('No matching signature found')
    expect(() => webhook.verify(body, { ...headers(secret), 'webhook-timestamp': String(now + 1) })).toThrow('No matching signature found')
    expect(() => webhook.verify(body, headers(newSigningSecret()))).toThrow('No matching signature found')
    expect(() => webhook.verify(body, headers(secret, now - 3600))).toThrow('Message timestamp too old')
  })

  it('is one of two while a secret is replaced', () => {
    const [old, secret] = [newSigningSecret(), newSigningSecret()]
    const both = { ...headers(secret), 'webhook-signature': `${headers(secret)['webhook-signature']} ${headers(old)['webhook-signature']}` }
    for (const each of [old, secret]) expect(new Webhook(each).verify(body, both)).toEqual(notice)
  })
})

describe('a signing secret', () => {
  it('has 32 random bytes behind its prefix', () => {
    const secrets = Array.from({ length: 20 }, newSigningSecret)
    expect(new Set(secrets).size).toBe(20)
    for (const secret of secrets) {
      expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
      expect(signingKey(secret)).toHaveLength(32)
    }
  })
})
