import { HTTPException } from 'hono/http-exception'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { problem } from '../../../src/core/problems.ts'
import { failing, plainApp, problemOf } from '../../support/app.ts'
import { bearer, json, noteRoutes } from '../../support/note_routes.ts'

let lines: string[]

beforeEach(() => {
  lines = []
  for (const kind of ['log', 'error'] as const) vi.spyOn(console, kind).mockImplementation((text: string) => void lines.push(text))
})
afterEach(() => vi.restoreAllMocks())

describe('addresses and methods', () => {
  it('reach a route with and without a trailing slash, and by HEAD', async () => {
    const app = plainApp(noteRoutes)
    expect(await (await app('/notes/', { headers: bearer('owner') })).json()).toEqual({ title: 'page 1' })
    const head = await app('/notes', { method: 'HEAD', headers: bearer('owner') })
    expect([head.status, await head.text()]).toEqual([200, ''])
  })

  it('prefer the fixed path to the one with a parameter', async () => {
    expect(await (await plainApp(noteRoutes)('/notes/own', { headers: bearer('owner') })).json()).toEqual({ title: 'ann@example.com' })
  })

  it('answer 405 with Allow for a method that a path lacks', async () => {
    const response = await plainApp(noteRoutes)('/notes', { method: 'DELETE' })
    expect(response.headers.get('Allow')).toBe('GET, HEAD, POST')
    expect(await problemOf(response)).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect((await plainApp(noteRoutes)('/notes/own', { method: 'DELETE' })).status).toBe(405)
  })

  it.each(['/nothing', '/notes/own/more', '/notes%2fown', '/../notes/x/y', '//notes', '/notes/%00/x'])(
    'answer 404 for %s',
    async (path) => {
      expect(await problemOf(await plainApp(noteRoutes)(path, { headers: bearer('owner') }))).toMatchObject({
        status: 404,
        code: 'not_found',
      })
    },
  )
})

describe('credentials', () => {
  it('are asked for with WWW-Authenticate', async () => {
    const response = await plainApp(noteRoutes)('/notes')
    expect(response.headers.get('WWW-Authenticate')).toBe('Bearer realm="edgelog"')
    expect(await problemOf(response)).toMatchObject({ status: 401, code: 'unauthenticated' })
  })

  it.each([
    ['a bad token', bearer('x'), 'invalid_token'],
    ['a bad key', { 'X-API-Key': 'elk_x' }, 'invalid_api_key'],
    ['a bad key as bearer', bearer('elk_x'), 'invalid_api_key'],
    ['another scheme', { Authorization: 'Basic b3duZXI6' }, 'unauthenticated'],
    ['an empty bearer', { Authorization: 'Bearer ' }, 'unauthenticated'],
  ])('are refused: %s', async (_, headers, code) => {
    expect(await problemOf(await plainApp(noteRoutes)('/notes', { headers }))).toMatchObject({ status: 401, code })
  })

  it('work from both headers and from the cookie', async () => {
    const app = plainApp(noteRoutes)
    expect((await app('/notes', { headers: { Cookie: '__Host-edgelog_access=owner' } })).status).toBe(200)
    expect((await app('/notes', json({ title: 'a' }, bearer('elk_ingest')))).status).toBe(201)
    expect((await app('/notes', json({ title: 'a' }, { 'X-API-Key': 'elk_ingest' }))).status).toBe(201)
  })

  it('without the permission are refused by its name', async () => {
    const app = plainApp(noteRoutes)
    const viewer = await problemOf(await app('/notes', json({ title: 'a' }, bearer('viewer'))))
    expect(viewer).toMatchObject({ status: 403, code: 'forbidden', detail: 'The role viewer lacks the permission logs:write.' })
    expect((await problemOf(await app('/notes', { headers: { 'X-API-Key': 'elk_ingest' } }))).detail).toContain('logs:read')
    expect((await problemOf(await app('/notes/own', { headers: { 'X-API-Key': 'elk_ingest' } }))).status).toBe(403)
    expect((await problemOf(await app('/notes', { headers: bearer('nobody') }))).status).toBe(403)
    expect((await app('/notes/own', { headers: bearer('nobody') })).status).toBe(200)
  })

  it('name an organization by UUID only', async () => {
    const response = await plainApp(noteRoutes)('/notes', { headers: { ...bearer('owner'), 'X-Organization-Id': "x' OR 1" } })
    expect(await problemOf(response)).toMatchObject({ status: 400, details: { 'X-Organization-Id': ['must be a UUID'] } })
  })
})

describe('every answer', () => {
  it('carries the security headers, a request id of ours, and is not stored', async () => {
    for (const path of ['/csv', '/nothing', '/boom']) {
      const { headers } = await plainApp(noteRoutes)(path, { headers: { 'X-Request-Id': 'mine' } })
      expect(headers.get('X-Request-Id')).toMatch(/^[0-9a-f-]{36}$/)
      expect(headers.get('X-Content-Type-Options')).toBe('nosniff')
      expect(headers.get('X-Frame-Options')).toBe('DENY')
      expect(headers.get('Content-Security-Policy')).toContain("default-src 'none'")
      expect(headers.get('Strict-Transport-Security')).toContain('max-age=31536000')
      expect(headers.get('Referrer-Policy')).toBe('no-referrer')
      expect(headers.get('Cache-Control')).toBe('no-store')
    }
  })

  it('writes one log line without credentials, query or body', async () => {
    await plainApp(noteRoutes)('/notes?page=2', { headers: { ...bearer('owner'), 'X-Request-Id': 'trace-7' } })
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      message: 'request',
      method: 'GET',
      route: 'note.list',
      status: 200,
      actor: 'user',
      client_request_id: 'trace-7',
      ms: expect.any(Number) as number,
    })
    expect(lines[0]).not.toMatch(/owner|page=/)
  })

  it('shows nothing of an unexpected error but the request id, and logs it', async () => {
    const response = await plainApp(noteRoutes)('/boom')
    const body = await response.text()
    expect(response.status).toBe(500)
    expect(body).not.toContain('hunter2')
    expect(body).toContain(response.headers.get('X-Request-Id'))
    expect(lines.some((line) => line.includes('hunter2') && line.includes('"level":"error"'))).toBe(true)
  })

  it('does not take an exception of the framework for a mistake of the caller', async () => {
    expect(await problemOf(await failing(new HTTPException(400))('/fail'))).toMatchObject({ status: 500, code: 'internal_error' })
  })

  it.each(['unavailable', 'damaged_block', 'rate_limited'] as const)('tells when to come back after %s', async (code) => {
    const response = await failing(problem(code, 'Later.'))('/fail')
    expect(response.headers.get('Retry-After')).toBe('5')
  })

  it('is 503 with Retry-After when a storage is overloaded', async () => {
    const response = await plainApp(noteRoutes)('/busy')
    expect(response.headers.get('Retry-After')).toBe('5')
    expect(await problemOf(response)).toMatchObject({ status: 503, code: 'unavailable' })
  })
})
