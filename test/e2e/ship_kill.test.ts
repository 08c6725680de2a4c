import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as z from 'zod'
import { createSandbox, runCommand } from '../support/processes.ts'
import type { Command, Sandbox } from '../support/processes.ts'

const lineCount = 60_000
const searchReply = z.object({ results: z.array(z.unknown()) })

let sandbox: Sandbox
const started: Command[] = []
beforeAll(async () => {
  sandbox = await createSandbox()
})
afterAll(async () => {
  for (const command of started) if (command.survivors().length > 0) command.signal('SIGKILL')
  await Promise.all(started.map((command) => command.ended))
  sandbox.remove()
})

function run(name: string, args: string[] = []): Command {
  const command = runCommand(name, args, sandbox)
  started.push(command)
  return command
}

/** How often each number occurs among the stored logs of this source. */
async function storedNumbers(source: string): Promise<Map<number, number>> {
  const { url, apiKey } = sandbox.connection()
  const parameters = new URLSearchParams({ format: 'ndjson', q: `source:${source}` })
  const reply = await fetch(`${url}/api/v1/logs/export?${parameters.toString()}`, { headers: { Authorization: `Bearer ${apiKey}` } })
  expect(reply.status).toBe(200)
  const counts = new Map<number, number>()
  for (const line of (await reply.text()).trimEnd().split('\n')) {
    const { attributes } = JSON.parse(line) as { attributes: { number: number } }
    counts.set(attributes.number, (counts.get(attributes.number) ?? 0) + 1)
  }
  return counts
}

it('stores every acknowledged line exactly once when the server is killed during a ship', async () => {
  const server = run('start')
  await server.printed(/Send a file:/)
  const file = join(sandbox.stateDir, 'numbers.log')
  const lines = Array.from({ length: lineCount }, (_, number) =>
    JSON.stringify({ level: 'info', source: 'numbers', msg: `line ${number}`, number }),
  )
  writeFileSync(file, `${lines.join('\n')}\n`)

  const shipper = run('ship', ['--batch-lines', '500', '--concurrency', '4', file])
  // Killed as soon as the first batch is known to be stored, so that most are still to come.
  await expect.poll(() => countFound('source:numbers'), { timeout: 60_000, interval: 20 }).toBeGreaterThan(0)
  server.signal('SIGKILL')
  await server.ended
  const again = run('start')
  await again.printed(/Send a file:/)

  expect(await shipper.ended).toBe(0)
  expect(shipper.output()).toContain('60,000 records: 60,000 accepted, 0 rejected.')
  expect(shipper.output()).not.toContain(' 0 retries')
  const stored = await storedNumbers('numbers')
  expect(stored.size).toBe(lineCount)
  expect([...stored.values()].filter((count) => count !== 1)).toEqual([])
})

it('sends standard input while it is open, and a followed file until Ctrl-C', async () => {
  const piped = runCommand('ship', ['--source', 'piped', '-'], sandbox, 'one\ntwo\n')
  expect(await piped.ended).toBe(0)
  expect(piped.output()).toContain('2 records: 2 accepted, 0 rejected.')

  const file = join(sandbox.stateDir, 'followed.log')
  writeFileSync(file, 'first line\n')
  const following = run('ship', ['--follow', file])
  const found = () => countFound('source:followed')
  await expect.poll(found, { timeout: 30_000 }).toBe(1)
  writeFileSync(file, 'second line\nthird line\n', { flag: 'a' })
  await expect.poll(found, { timeout: 30_000 }).toBe(3)
  following.signal('SIGINT')
  expect(await following.ended).toBe(130)
  expect(following.output()).toContain('3 records: 3 accepted, 0 rejected.')
})

/** How many logs a search finds, at most a page. */
async function countFound(q: string): Promise<number> {
  const { url, apiKey } = sandbox.connection()
  const reply = await fetch(`${url}/api/v1/logs/search?${new URLSearchParams({ q }).toString()}`, {
    headers: { Authorization: `Bearer ${apiKey}` },
  })
  return searchReply.parse(await reply.json()).results.length
}
