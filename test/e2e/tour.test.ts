import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { createSandbox, runCommand } from '../support/processes.ts'
import type { Command, Sandbox } from '../support/processes.ts'

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

it('goes through the whole life of a tenant on the running server, and prints no secret', async () => {
  server = runCommand('start', [], sandbox)
  await server.printed(/Send a file:/)
  const tour = runCommand('tour', [], sandbox)
  // Its output says more than its exit code where a step goes wrong.
  await tour.printed(/All 1\d\d steps were answered as they should be/)
  expect(await tour.ended).toBe(0)
  expect(tour.output()).not.toMatch(/eyJ[\w-]{20}|elk_[a-z]+_\w{20}|[\w-]{43}/)
})
