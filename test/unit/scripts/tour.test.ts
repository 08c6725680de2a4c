import { createServer } from 'node:http'
import type { Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import * as z from 'zod'
import { CommandError } from '../../../scripts/dev/terminal.ts'
import { redact } from '../../../scripts/tour/redact.ts'
import { createTour } from '../../../scripts/tour/tour.ts'
import type { Tour } from '../../../scripts/tour/tour.ts'

const jwt = `eyJhbGciOiJFZERTQSJ9.${'a'.repeat(60)}.${'b'.repeat(86)}`
const key = 'elk_query_a9Ktza9W0RaXhsFxHN59ckpPnck7USYqpXRZt1ex5UV1MSLTh'
const token = 'k'.repeat(43)

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A tour at a server that gives these answers one after the other, and what it prints. */
async function tourOf(...answers: ((response: ServerResponse) => void)[]): Promise<{ tour: Tour; lines: string[] }> {
  const rest = [...answers]
  server = createServer((_, response) => rest.shift()?.(response))
  await new Promise<void>((resolve) => {
    server?.listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const lines: string[] = []
  return { tour: createTour(`http://127.0.0.1:${port}`, (line) => lines.push(line)), lines }
}

function answer(status: number, body: unknown, headers: Record<string, string> = {}) {
  return (response: ServerResponse) => {
    response.writeHead(status, { 'Content-Type': 'application/json', 'X-Request-Id': 'r1', ...headers }).end(JSON.stringify(body))
  }
}

async function failure(step: Promise<unknown>): Promise<CommandError> {
  const error = await step.catch((reason: unknown) => reason)
  if (error instanceof CommandError) return error
  throw new Error('the step did not fail as it should')
}

it('prints a step with its request, its status and what the answer must have, and counts it', async () => {
  const { tour, lines } = await tourOf(answer(200, { name: 'shop', more: 1 }))
  const body = await tour.step('It is looked at.', { request: 'GET /x' }, { status: 200, reply: z.object({ name: z.literal('shop') }) })
  expect(body).toEqual({ name: 'shop' })
  expect(lines).toEqual(['  1. It is looked at.', '     GET /api/v1/x  200  {"name":"shop"}'])
  expect(tour.count()).toBe(1)
})

it('ends at a status, a body or a problem that is not as it should be, and says what was expected', async () => {
  const { tour } = await tourOf(answer(200, {}), answer(200, { count: 2 }), answer(403, { code: 'forbidden', detail: 'No.' }))
  const { message, next } = await failure(tour.step('One.', { request: 'DELETE /x' }, { status: 204 }))
  expect(message).toBe('Step 1 (One.) went wrong.\n  DELETE /api/v1/x\n  expected: the status 204\n  got:      200 {}')
  expect(next).toContain('request r1')
  const reply = z.object({ count: z.literal(3) })
  await expect(tour.step('Two.', { request: 'GET /x' }, { status: 200, reply })).rejects.toThrow(/expected 3[^]*at count/)
  await expect(tour.refused('Three.', { request: 'GET /x' }, 403, 'second_factor_required')).rejects.toThrow('second_factor_required')
})

it('waits as long as a limit of a minute says, and tells what to do about one of an hour', async () => {
  const limited = { code: 'rate_limited', detail: 'Used up.' }
  const { tour, lines } = await tourOf(
    answer(429, limited, { 'Retry-After': '1' }),
    answer(204, undefined),
    answer(429, limited, { 'Retry-After': '1800' }),
  )
  await tour.step('One.', { request: 'POST /x' }, { status: 204 })
  expect(lines[1]).toContain('waiting 1 s')
  const { message, next } = await failure(tour.step('Two.', { request: 'POST /x' }, { status: 204 }))
  expect(message).toBe('POST /api/v1/x was throttled: Used up.')
  expect(next).toMatch(/in 30 minutes[^]*EDGELOG_STATE/)
})

it('asks again where another status may come first for a while', async () => {
  const { tour } = await tourOf(answer(401, {}), answer(200, {}))
  await tour.step('It is back.', { request: 'GET /x' }, { status: 200, withinMs: 5000 })
  expect(tour.count()).toBe(1)
})

it('shows no token, key, password or secret in full', () => {
  const text = redact(
    JSON.stringify({
      access_token: jwt,
      key,
      token,
      secret: 'JBSWY3DP',
      password: 'tour pass',
      recovery_codes: ['AAAA-BBBB', 'CCCC-DDDD'],
    }),
  )
  for (const secret of [jwt, key, token, 'JBSWY3DP', 'tour pass', 'AAAA-BBBB', 'CCCC-DDDD']) expect(text).not.toContain(secret)
  expect(text).toContain('elk_query_a9Kt...')
  expect(redact('id 01a203d2-d939-756b-85f2-685fdcc84815')).toBe('id 01a203d2-d939-756b-85f2-685fdcc84815')
})
