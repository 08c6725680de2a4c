import { describe, expect, it } from 'vitest'
import { apiKeyCacheEntriesMax, apiKeyCacheMs, apiKeyMissCacheMs } from '../../../src/core/limits.ts'
import { cachedKey, forgetKey, rememberKey, revocationMark } from '../../../src/features/api-keys/cache.ts'
import type { CachedKey } from '../../../src/features/api-keys/cache.ts'
import { plainLogSettings } from '../../support/usage.ts'

const key: CachedKey = {
  keyId: 'k',
  scopes: ['logs:write'],
  tenant: { organizationId: 'o', accountId: 'a', logSettings: plainLogSettings },
  expiresAt: null,
  lastUsedAt: null,
  ratePerMinute: null,
}
let made = 0
function freshHash(): string {
  made += 1
  return `hash ${made}`
}

describe('the cache of API keys', () => {
  it('remembers a key for a minute and not longer', () => {
    const hash = freshHash()
    rememberKey(hash, key, 1000, revocationMark())
    expect(cachedKey(hash, 1000 + apiKeyCacheMs - 1)).toBe(key)
    expect(cachedKey(hash, 1000 + apiKeyCacheMs)).toBeUndefined()
    expect(apiKeyCacheMs).toBeLessThanOrEqual(60_000)
  })

  it('remembers only for seconds that there is no such key', () => {
    const hash = freshHash()
    rememberKey(hash, null, 1000, revocationMark())
    expect(cachedKey(hash, 1000 + apiKeyMissCacheMs - 1)).toBeNull()
    expect(cachedKey(hash, 1000 + apiKeyMissCacheMs)).toBeUndefined()
  })

  it('forgets a revoked key at once', () => {
    const hash = freshHash()
    rememberKey(hash, key, 1000, revocationMark())
    forgetKey({ keyHash: hash, previousKeyHash: null })
    expect(cachedKey(hash, 1000)).toBeUndefined()
  })

  it('does not take an answer that was asked for before a revocation', () => {
    const hash = freshHash()
    const mark = revocationMark()
    forgetKey({ keyHash: hash, previousKeyHash: null })
    rememberKey(hash, key, 1000, mark)
    expect(cachedKey(hash, 1000)).toBeUndefined()
  })

  it('holds a bounded number and gives up the one unused for longest', () => {
    const [used, unused] = [freshHash(), freshHash()]
    rememberKey(unused, key, 1000, revocationMark())
    rememberKey(used, key, 1000, revocationMark())
    for (let i = 0; i < apiKeyCacheEntriesMax - 1; i += 1) {
      rememberKey(freshHash(), null, 1000, revocationMark())
      cachedKey(used, 1000)
    }
    expect(cachedKey(unused, 1000)).toBeUndefined()
    expect(cachedKey(used, 1000)).toBe(key)
  })
})
