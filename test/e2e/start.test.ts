import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import * as z from 'zod'
import { createSandbox, runCommand } from '../support/processes.ts'
import type { Command, Sandbox } from '../support/processes.ts'

const healthReply = z.object({ schedules: z.array(z.object({ name: z.string(), runs: z.int(), failures: z.int() })) })
const searchReply = z.object({ results: z.array(z.object({ message: z.string() })) })

let sandbox: Sandbox
let server: Command | undefined
beforeAll(async () => {
  sandbox = await createSandbox()
})
afterEach(async () => {
  if (server && server.survivors().length > 0) server.signal('SIGKILL')
  await server?.ended
})
afterAll(() => sandbox.remove())

async function start(): Promise<Command> {
  server = runCommand('start', [], sandbox)
  await server.printed(/Send a file:/)
  return server
}

/** What a printed curl command answers. */
async function paste(command: Command, which: 'Send a log' | 'Search'): Promise<string> {
  const [, line = ''] = await command.printed(new RegExp(`${which}:\\n  (curl .*)\\n`))
  const { stdout } = await promisify(execFile)('bash', ['-c', line.replace('curl', 'curl -s')])
  return stdout
}

async function schedules() {
  const response = await fetch(`http://127.0.0.1:${sandbox.port}/health/detailed`)
  return healthReply.parse(await response.json()).schedules
}

it('serves on first run with working curl commands, keeps all data for the second, and ends without a trace', async () => {
  const first = await start()
  expect(await paste(first, 'Send a log')).toContain('"message":"hello from curl"')
  const found = searchReply.parse(JSON.parse(await paste(first, 'Search')))
  expect(found.results.map((log) => log.message)).toEqual(['hello from curl'])
  const login = await fetch(`http://127.0.0.1:${sandbox.port}/api/v1/auth/login`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ email: 'admin@demo.edgelog.dev', password: 'demo123' }),
  })
  expect(login.status).toBe(200)
  // What wrangler fires no cron for: each schedule has its turn.
  await vi.waitFor(async () => expect((await schedules()).filter(({ runs }) => runs === 0)).toEqual([]), { timeout: 60_000, interval: 200 })
  expect((await schedules()).filter(({ failures }) => failures > 0)).toEqual([])
  const { apiKey } = sandbox.connection()
  expect(first.output()).not.toContain('"d":')

  first.signal('SIGINT')
  expect(await first.ended).toBe(130)
  expect(first.survivors()).toEqual([])

  const second = await start()
  expect(sandbox.connection().apiKey).toBe(apiKey)
  expect(second.output()).not.toContain('users made')
  expect(searchReply.parse(JSON.parse(await paste(second, 'Search'))).results).toHaveLength(1)

  const third = runCommand('start', [], sandbox)
  expect(await third.ended).toBe(1)
  expect(third.output()).toContain(`Port ${sandbox.port} is taken by an Edgelog that is running already.`)
  expect(third.output()).toContain(`PORT=${sandbox.port + 1} npm start`)

  second.signal('SIGTERM', 'command')
  expect(await second.ended).toBe(130)
  expect(second.survivors()).toEqual([])
})

it('ends as cleanly while it is still starting', async () => {
  server = runCommand('start', [], sandbox)
  await server.printed(/^Server \.\.\./m)
  server.signal('SIGTERM', 'command')
  expect(await server.ended).toBe(130)
  expect(server.output()).toContain('stopped')
  expect(server.survivors()).toEqual([])
})

it('refuses a port that is no port, and to seed production', async () => {
  const wrong = runCommand('start', [], { env: { ...sandbox.env, PORT: '80000' } })
  expect(await wrong.ended).toBe(1)
  expect(wrong.output()).toContain('PORT is "80000", which is no port number.')
  const production = runCommand('seed', [], { env: { ...sandbox.env, ENVIRONMENT: 'production' } })
  expect(await production.ended).toBe(1)
  expect(production.output()).toContain('ENVIRONMENT is production')
})

it('seeds through a server of its own, and makes the tenant anew with --clear', async () => {
  const seed = runCommand('seed', ['--logs', '3000', '--users', '7', '--clear'], sandbox)
  expect(await seed.ended).toBe(0)
  expect(seed.output()).toContain('7 users made')
  expect(seed.output()).toContain('3,000 logs accepted.')
  expect(seed.survivors()).toEqual([])

  await start()
  const { url, apiKey } = sandbox.connection()
  const reply = await fetch(`${url}/api/v1/logs/facets?fields=severity`, { headers: { Authorization: `Bearer ${apiKey}` } })
  expect(await reply.json()).toMatchObject({ facets: [{ field: 'severity', count: 3_000 }] })
})
