import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createHash } from 'node:crypto'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { breachedReplyBytesMax } from '../../../src/core/limits.ts'
import { isBreached } from '../../../src/features/auth/breached.ts'
import type { BreachLookup } from '../../../src/features/auth/breached.ts'
import { requireGoodPassword } from '../../../src/features/auth/password_check.ts'

const password = 'correct horse battery'
const digest = createHash('sha1').update(password).digest('hex').toUpperCase()

/** A context that looks passwords up, and the warnings it was given. */
function lookingUp(breachedPasswordCheck = true) {
  const warnings: unknown[] = []
  const log = { add: () => undefined, error: () => undefined, warn: (_: string, more: unknown) => void warnings.push(more) }
  return { ctx: { config: { breachedPasswordCheck }, log } as unknown as Parameters<typeof isBreached>[0], warnings }
}

/** A service that answers each range with this text, and remembers what it was asked. */
function service(text: string, init?: ResponseInit): BreachLookup & { asked: { url: string; headers: Headers }[] } {
  const asked: { url: string; headers: Headers }[] = []
  const answer = async (url: string, asking: { headers: Record<string, string> }) => {
    asked.push({ url, headers: new Headers(asking.headers) })
    return new Response(text, init)
  }
  return { fetch: answer as typeof fetch, timeoutMs: 1000, asked }
}

describe('looking a password up among the breached ones', () => {
  it('asks for the range of five digits, padded, and finds the rest in it', async () => {
    const { ctx } = lookingUp()
    const lookup = service(`0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n${digest.slice(5)}:42\r\n`)
    expect(await isBreached(ctx, password, lookup)).toBe(true)
    expect(lookup.asked.map(({ url }) => url)).toEqual([`https://api.pwnedpasswords.com/range/${digest.slice(0, 5)}`])
    expect(lookup.asked[0]?.headers.get('Add-Padding')).toBe('true')
    expect(JSON.stringify([...(lookup.asked[0]?.headers ?? [])])).not.toContain(digest.slice(5))
  })

  it('takes no lines for matches that only pad the answer', async () => {
    expect(await isBreached(lookingUp().ctx, password, service(`${digest.slice(5)}:0`))).toBe(false)
  })

  it('does not find what is not there', async () => {
    const { ctx, warnings } = lookingUp()
    expect(await isBreached(ctx, password, service('0018A45C4D1DEF81644B54AB7F969B88D65:1'))).toBe(false)
    expect(warnings).toEqual([])
  })

  it('asks nobody unless the deployment wants it', async () => {
    const lookup = service(`${digest.slice(5)}:42`)
    expect(await isBreached(lookingUp(false).ctx, password, lookup)).toBe(false)
    expect(lookup.asked).toEqual([])
  })

  it.each([
    ['an error', service('trouble', { status: 503 }), 'status 503'],
    ['no end', service('x'.repeat(breachedReplyBytesMax + 1)), 'more than'],
    ['no connection', { fetch: async () => Promise.reject(new Error('refused')), timeoutMs: 1000 }, 'refused'],
  ])('takes the password, and says so in the log, when the service answers with %s', async (_, lookup, reason) => {
    const { ctx, warnings } = lookingUp()
    expect(await isBreached(ctx, password, lookup)).toBe(false)
    expect(warnings).toEqual([{ reason: expect.stringContaining(reason) as string }])
  })

  it.each([
    ['before', false],
    ['within', true],
  ])('takes the password when a real service stalls %s its answer', async (_, headersFirst) => {
    const server = createServer((_, response) => {
      if (headersFirst) response.writeHead(200).write('0018A45C4D1DEF81644B54AB7F969B88D65:1\r\n')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const { ctx, warnings } = lookingUp()
    try {
      const stalled: typeof fetch = (_, init) => fetch(`http://127.0.0.1:${port}/`, init)
      expect(await isBreached(ctx, password, { fetch: stalled, timeoutMs: 50 })).toBe(false)
      expect(warnings).toEqual([{ reason: expect.stringContaining('timeout') as string }])
    } finally {
      server.closeAllConnections()
      server.close()
    }
  })
})

describe('a new password', () => {
  afterEach(() => void vi.unstubAllGlobals())

  const owner = { email: 'ann@example.com' }

  it('is refused at its field when it was leaked, where the deployment wants to know', async () => {
    vi.stubGlobal('fetch', service(`${digest.slice(5)}:42`).fetch)
    await expect(requireGoodPassword(lookingUp().ctx, password, owner, 'new_password')).rejects.toMatchObject({
      code: 'validation_failed',
      details: { new_password: ['is known from a data leak'] },
    })
    await requireGoodPassword(lookingUp(false).ctx, password, owner)
    await requireGoodPassword(lookingUp().ctx, `${password} staple`, owner)
  })

  it('is not sent anywhere when the rule refuses it already', async () => {
    const lookup = service('')
    vi.stubGlobal('fetch', lookup.fetch)
    await expect(requireGoodPassword(lookingUp().ctx, 'password', owner)).rejects.toMatchObject({ code: 'validation_failed' })
    expect(lookup.asked).toEqual([])
  })
})
