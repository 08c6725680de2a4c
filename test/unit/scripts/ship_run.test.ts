import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { ShipOptions } from '../../../scripts/ship/options.ts'
import { ship } from '../../../scripts/ship/run.ts'
import { createTally } from '../../../scripts/ship/tally.ts'

let folder: string
const keys: string[] = []
const bodies: string[] = []
let reject = 0
const server = createServer((request, response) => {
  let body = ''
  request.on('data', (part: Buffer) => (body += part.toString()))
  request.on('end', () => {
    keys.push(String(request.headers['idempotency-key']))
    bodies.push(body)
    const records = body.trimEnd().split('\n').length
    const errors = reject > 0 ? [{ index: records - 1, reason: 'too odd' }] : []
    response.writeHead(202).end(JSON.stringify({ accepted: records - reject, rejected: reject, errors }))
  })
})

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'edgelog-ship-'))
  keys.length = 0
  bodies.length = 0
  reject = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterEach(async () => {
  rmSync(folder, { recursive: true })
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
})

function optionsFor(files: string[], changed: Partial<ShipOptions> = {}): ShipOptions {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const fixed = { source: undefined, follow: false, multiline: true, dryRun: false, compress: 'none', concurrency: 1 } as const
  return { url, key: 'elk', files, batchLines: 2, retryForMs: 1_000, ...fixed, ...changed }
}

it('sends files one after the other in batches of records, each with a key of its own', async () => {
  const files = [join(folder, 'a.log'), join(folder, 'b.log.zst')]
  writeFileSync(files[0] ?? '', 'one\n  and more\ntwo\nthree')
  writeFileSync(files[1] ?? '', zstdCompressSync('four\n'))
  const tally = createTally()
  await ship(optionsFor(files), tally, new AbortController().signal)
  expect(
    bodies.map((body) =>
      body
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as unknown),
    ),
  ).toEqual([
    [
      { source: 'a', message: 'one\n  and more' },
      { source: 'a', message: 'two' },
    ],
    [{ source: 'a', message: 'three' }],
    [{ source: 'b', message: 'four' }],
  ])
  expect(new Set(keys).size).toBe(3)
  expect(tally.counts).toMatchObject({ lines: 5, records: 4, accepted: 4, rejected: 0, batches: 3 })
  expect(tally.finish().complete).toBe(true)
})

it('names the line and the reason of a rejected record, and is not complete', async () => {
  const file = join(folder, 'a.log')
  writeFileSync(file, 'one\n  and more\ntwo\n')
  reject = 1
  const tally = createTally()
  await ship(optionsFor([file]), tally, new AbortController().signal)
  const { report, complete } = tally.finish()
  expect(complete).toBe(false)
  expect(report).toContain('1 accepted, 1 rejected')
  expect(report).toContain(`${file}, line 3: too odd`)
})

it('sends what was read before the damaged end of a file, and the other files, and is not complete', async () => {
  const files = ['damaged.log.zst', 'absent.log', 'whole.log'].map((name) => join(folder, name))
  writeFileSync(files[0] ?? '', Buffer.concat([zstdCompressSync('one\ntwo\nthree\n'), Buffer.from('no frame')]))
  writeFileSync(files[2] ?? '', 'four\n')
  const tally = createTally()
  await ship(optionsFor(files), tally, new AbortController().signal)
  expect(tally.counts.accepted).toBe(4)
  const { report, complete } = tally.finish()
  expect(complete).toBe(false)
  expect(report).toContain('damaged.log.zst cannot be read to its end')
  expect(report).toContain('absent.log cannot be read')
})

it('says of files that are not there only that, without counts of nothing', async () => {
  const tally = createTally()
  await ship(optionsFor([join(folder, 'absent.log')]), tally, new AbortController().signal)
  const { report, complete } = tally.finish()
  expect(complete).toBe(false)
  expect(report).toMatch(/^\S*absent\.log cannot be read: [^\n]*$/)
})

it('ends a followed file when it is told to, with everything sent that was read', async () => {
  const file = join(folder, 'a.log')
  writeFileSync(file, 'one\ntwo\nthree\n')
  const ending = new AbortController()
  const tally = createTally()
  const done = ship(optionsFor([file], { follow: true }), tally, ending.signal)
  await expect.poll(() => tally.counts.accepted, { timeout: 10_000 }).toBe(3)
  ending.abort()
  await done
  expect(tally.finish().complete).toBe(true)
})
