import { describe, expect, it } from 'vitest'
import type { Config } from '../../../src/config.ts'
import { ProblemError } from '../../../src/core/problems.ts'
import { checkFields } from '../../../src/features/api-keys/check_fields.ts'

const config = { rateLimits: { anonymousPerMinute: 1, userPerHour: 1, apiKeyPerMinute: 600 } } as Config
const ctx = { config, now: () => 1000 }

function fieldRefused(fields: Omit<Parameters<typeof checkFields>[1], 'kind'>): string | undefined {
  try {
    checkFields(ctx, { kind: 'query', ...fields })
    return undefined
  } catch (error) {
    return error instanceof ProblemError ? Object.keys(error.details ?? {}).join() : String(error)
  }
}

describe('what a key may be given', () => {
  it('is what its kind allows', () => {
    expect(fieldRefused({ scopes: ['logs:read'] })).toBeUndefined()
    expect(fieldRefused({ scopes: ['logs:read', 'logs:write'] })).toBe('scopes')
  })

  it('is an end in the future, or none', () => {
    expect(fieldRefused({ expiresAt: null })).toBeUndefined()
    expect(fieldRefused({ expiresAt: 1001 })).toBeUndefined()
    expect(fieldRefused({ expiresAt: 1000 })).toBe('expires_at')
  })

  it('is a limit up to the one of the deployment, or none', () => {
    expect(fieldRefused({ rateLimitPerMinute: null })).toBeUndefined()
    expect(fieldRefused({ rateLimitPerMinute: 600 })).toBeUndefined()
    expect(fieldRefused({ rateLimitPerMinute: 601 })).toBe('rate_limit_per_minute')
  })
})
