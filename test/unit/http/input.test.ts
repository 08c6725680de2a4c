import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { plainApp, problemOf } from '../../support/app.ts'
import { bearer, json, noteRoutes } from '../../support/note_routes.ts'

beforeEach(() => void vi.spyOn(console, 'log').mockImplementation(() => undefined))
afterEach(() => vi.restoreAllMocks())

describe('input', () => {
  const post = async (body: unknown, headers: Record<string, string> = {}) =>
    problemOf(await plainApp(noteRoutes)('/notes', json(body, { ...bearer('owner'), ...headers })))

  it('in the query is checked and nothing unknown passes', async () => {
    const app = plainApp(noteRoutes)
    const get = async (query: string) => problemOf(await app(`/notes?${query}`, { headers: bearer('owner') }))
    expect(await get('pages=2')).toMatchObject({ status: 400, code: 'validation_failed', details: { pages: ['is not known here'] } })
    expect((await get('page=0')).details).toEqual({ page: ['must be at least 1'] })
    expect((await get('page=1&page=2')).details).toHaveProperty('page')
    expect((await get('__proto__=1')).details).toHaveProperty('__proto__')
    expect((await problemOf(await app('/csv?x=1'))).details).toEqual({ x: ['is not known here'] })
  })

  it('in an address that is too long is refused unread', async () => {
    const response = await plainApp(noteRoutes)(`/notes?x=${'x'.repeat(16_384)}`)
    expect(await problemOf(response)).toMatchObject({ status: 414, code: 'uri_too_long' })
  })

  it('in the path is checked', async () => {
    for (const id of ['1', '..%2f1', '%00', '%ff', "'--"]) {
      const response = await plainApp(noteRoutes)(`/notes/${id}`, { method: 'DELETE', headers: bearer('owner') })
      expect(await problemOf(response)).toMatchObject({ status: 400, details: { id: ['must be a UUID'] } })
    }
  })

  it.each([
    ['empty', ''],
    ['blank', ' \n'],
    ['cut off', '{"title":"a'],
    ['followed by more', '{"title":"a"}}'],
    ['with a name twice', '{"title":"a","title":"b"}'],
    ['30,000 deep', '['.repeat(30_000)],
    ['with a NUL outside a string', '{"title":\0"a"}'],
    ['NaN', '{"title":NaN}'],
  ])('that is %s is malformed JSON', async (_, body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: 'malformed_json' })
  })

  it.each(['null', '[]', '7', '"a"', 'true'])('that is %s and no object is named as such', async (body) => {
    expect(await post(body)).toMatchObject({ status: 400, code: 'validation_failed', details: { '': [expect.any(String) as string] } })
  })

  it('names each wrong field', async () => {
    expect((await post('{"title":7,"role":"owner","__proto__":{"admin":true}}')).details).toEqual({
      title: [expect.any(String) as string],
      role: ['is not known here'],
      ['__proto__']: ['is not known here'],
    })
  })

  it('must be UTF-8', async () => {
    const body = new TextEncoder().encode('{"title":"?"}').map((byte) => (byte === 0x3f ? 0xff : byte))
    const response = await plainApp(noteRoutes)('/notes', {
      method: 'POST',
      headers: { ...bearer('owner'), 'Content-Type': 'application/json' },
      body,
    })
    expect(await problemOf(response)).toMatchObject({ code: 'malformed_json', detail: 'The body is not valid UTF-8.' })
  })

  it.each([
    ['no type', {}],
    ['text', { 'Content-Type': 'text/plain' }],
    ['a form where none is taken', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['another charset', { 'Content-Type': 'application/json; charset=utf-16' }],
    ['a list of types', { 'Content-Type': 'application/json, text/plain' }],
  ])('with %s is refused with 415', async (_, headers) => {
    const init = { method: 'POST', headers: { ...bearer('owner'), ...headers }, body: new TextEncoder().encode('{"title":"a"}') }
    expect(await problemOf(await plainApp(noteRoutes)('/notes', init))).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('must not be compressed', async () => {
    expect(await post('x', { 'Content-Encoding': 'gzip' })).toMatchObject({ status: 415, code: 'unsupported_encoding' })
    expect(await post('x', { 'Content-Encoding': 'gzip, gzip' })).toMatchObject({ status: 415 })
  })

  it('of 64 KiB is taken and one byte more is not, whatever Content-Length says', async () => {
    const app = plainApp(noteRoutes)
    const body = (bytes: number) => `{"title":"${'x'.repeat(bytes - 12)}"}`
    expect((await app('/notes', json(body(65_536), bearer('owner')))).status).toBe(201)
    expect(await post(body(65_537))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
      detail: expect.stringContaining('65536') as string,
    })
    let sent = 0
    const endless = new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array((sent += 16_384) && 16_384).fill(0x20)) })
    const response = await app('/notes', {
      method: 'POST',
      headers: { ...bearer('owner'), 'Content-Type': 'application/json' },
      body: endless,
      duplex: 'half',
    } as RequestInit)
    expect(await problemOf(response)).toMatchObject({ status: 413 })
    expect(sent).toBeLessThan(200_000)
  })

  it('may be a form where a route says so', async () => {
    const form = (body: string) =>
      plainApp(noteRoutes)('/login', { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body })
    expect(await (await form('email=a%40b.c')).json()).toEqual({ title: 'a@b.c' })
    expect((await problemOf(await form('email=a&email=b'))).details).toHaveProperty('email')
    expect((await problemOf(await form('__proto__=x'))).details).toHaveProperty('__proto__')
  })

  it('may be left out where a route says so, and is checked where it is not', async () => {
    const touch = async (init: RequestInit) => plainApp(noteRoutes)('/touch', { method: 'POST', ...init })
    const type = { 'Content-Type': 'application/json' }
    for (const init of [{}, { headers: type }, { headers: { ...type, 'Content-Length': '0' }, body: '' }]) {
      expect(await (await touch(init)).json()).toEqual({ title: 'none' })
    }
    expect(await (await touch(json({ title: 'a' }))).json()).toEqual({ title: 'a' })
    expect(await problemOf(await touch(json({})))).toMatchObject({ status: 400, details: { title: ['is required'] } })
    expect((await touch(json('null'))).status).toBe(400)
    expect((await touch({ body: new TextEncoder().encode('{"title":"a"}') })).status).toBe(415)
    expect((await post('', { 'Content-Length': '0' })).code).toBe('malformed_json')
  })
})
