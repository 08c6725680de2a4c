import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import * as z from 'zod'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'edgelog-lint-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Case = [file: string, statement: string]

/** What the table of architecture.md forbids; one file and one import each. */
const forbidden: Case[] = [
  ['core/a.ts', "import { a } from '../engine/row.ts'"],
  ['core/b.ts', "import type { Env } from '../config.ts'"],
  ['core/c.ts', "import { Hono } from 'hono'"],
  ['core/d.ts', "import { readFileSync } from 'node:fs'"],
  ['core/e.ts', "import { chunk } from 'some-package'"],
  ['engine/a.ts', "import { a } from '../db/schema.ts'"],
  ['engine/block/b.ts', "import type { Env } from '../../config.ts'"],
  ['engine/c.ts', "import { DurableObject } from 'cloudflare:workers'"],
  ['engine/d.ts', "import { readFileSync } from 'node:fs'"],
  ['engine/e.ts', "import * as z from 'zod'"],
  ['engine/f.ts', "import { chunk } from 'some-package'"],
  ['engine/g.ts', "import { readFileSync } from 'fs'"],
  ['engine/h.ts', "import { ByteWriter } from 'hyparquet-writer/src/bytewriter.js'"],
  ['db/a.ts', "import { a } from '../http/route.ts'"],
  ['db/b.ts', "import { a } from '../features/auth/login.ts'"],
  ['db/c.ts', "import { configOf } from '../config.ts'"],
  ['http/a.ts', "import { a } from '../features/auth/login.ts'"],
  ['http/b.ts', "import { a } from '../engine/row.ts'"],
  ['http/c.ts', "import { routes } from '../routes.ts'"],
  ['features/x/schema.ts', "import { a } from '../../db/schema.ts'"],
  ['features/y/schema.ts', "import { a } from './store.ts'"],
  ['features/z/schema.ts', "import { eq } from 'drizzle-orm'"],
  ['features/w/schema.ts', "import { chunk } from 'some-package'"],
  ['features/x/verb.ts', "import { route } from '../../http/route.ts'"],
  ['features/x/verb2.ts', "import { Hono } from 'hono'"],
  ['features/x/verb3.ts', "import { a } from '../y/store.ts'"],
  ['features/x/verb4.ts', "import { a } from './routes.ts'"],
  ['features/x/verb5.ts', "import { a } from '../../engine/row.ts'"],
  ['features/x/routes.ts', "import { eq } from 'drizzle-orm'"],
  ['features/y/routes.ts', "import { a } from '../../db/schema.ts'"],
  ['ingest/a.ts', "import { LogShard } from '../objects/log-shard/object.ts'"],
  ['ingest/b.ts', "import { a } from '../http/body.ts'"],
  ['ingest/c.ts', "import { a } from '../search/pages.ts'"],
  ['search/a.ts', "import { a } from '../features/auth/store.ts'"],
  ['search/storage/b.ts', "import { a } from '../../jobs/archive.ts'"],
  ['search/routes.ts', "import { eq } from 'drizzle-orm'"],
  ['jobs/a.ts', "import { createApp } from '../app.ts'"],
  ['jobs/b.ts', "import { a } from '../ingest/json_array.ts'"],
  ['objects/x/a.ts', "import { a } from '../../http/route.ts'"],
  ['objects/x/b.ts', "import { a } from '../../features/auth/login.ts'"],
  ['objects/x/c.ts', "import { eq } from 'drizzle-orm'"],
]

const allowed: Case[] = [
  ['core/ok.ts', "import * as z from 'zod'"],
  ['core/ok2.ts', "import { a } from './ids.ts'"],
  ['core/ok3.ts', "import { Cron } from 'croner'"],
  ['engine/ok.ts', "import { zstdCompressSync } from 'node:zlib'"],
  ['engine/query/ok.ts', "import { a } from '../../core/ids.ts'"],
  ['engine/ok2.ts', "import { RE2JS } from 're2js'"],
  ['engine/ok3.ts', "import { Buffer } from 'node:buffer'"],
  ['engine/ok4.ts', "import { ParquetWriter } from 'hyparquet-writer'"],
  ['engine/ok5.ts', "import { a } from './row.ts'"],
  ['db/ok.ts', "import type { Env } from '../config.ts'"],
  ['db/ok2.ts', "import { eq } from 'drizzle-orm'"],
  ['http/ok.ts', "import { Hono } from 'hono'"],
  ['http/ok2.ts', "import { configOf } from '../config.ts'"],
  ['features/v/schema.ts', "import { a } from '../../core/limits.ts'"],
  ['features/u/schema.ts', "import { a } from './definition.ts'"],
  ['features/v/verb.ts', "import { a } from '../x/create.ts'"],
  ['features/v/verb2.ts', "import { a } from './store.ts'"],
  ['features/v/routes.ts', "import { route } from '../../http/route.ts'"],
  ['ingest/ok.ts', "import type { LogShard } from '../objects/log-shard/object.ts'"],
  ['ingest/ok2.ts', "import { a } from '../features/api-keys/verify.ts'"],
  ['search/some_routes.ts', "import { route } from '../http/route.ts'"],
  ['search/ok.ts', "import { a } from '../engine/row.ts'"],
  ['jobs/ok.ts', "import { a } from '../search/pages.ts'"],
  ['objects/x/ok.ts', "import { a } from '../../engine/row.ts'"],
  ['objects/x/core.ts', "import { a } from '../../core/limits.ts'"],
]

const report = z.object({ diagnostics: z.array(z.object({ code: z.string(), filename: z.string() })) })

/** Files of src, relative to it, in which this rule fired. */
function filesWith(rule: string, cases: readonly Case[]): Set<string> {
  for (const [file, statement] of cases) {
    mkdirSync(dirname(join(folder, 'src', file)), { recursive: true })
    writeFileSync(join(folder, 'src', file), `${statement}\n`)
  }
  const lint = join(root, 'node_modules/.bin/oxlint')
  let output: string
  try {
    output = execFileSync(lint, ['--config', join(root, 'scripts/oxlint.json'), '--format', 'json', 'src'], {
      cwd: folder,
      encoding: 'utf8',
    })
  } catch (error) {
    // Findings make the lint fail; its report is still on standard output.
    output = (error as { stdout: string }).stdout
  }
  const found = report.parse(JSON.parse(output)).diagnostics.filter((diagnostic) => diagnostic.code === rule)
  return new Set(found.map((diagnostic) => diagnostic.filename.replace(/^.*?src\//, '')))
}

const refused = filesWith('eslint(no-restricted-imports)', [...forbidden, ...allowed])

it.each(forbidden)('refuses in src/%s: %s', (file) => {
  expect(refused).toContain(file)
})

it.each(allowed)('allows in src/%s: %s', (file) => {
  expect(refused).not.toContain(file)
})

it('refuses the clock and chance in the engine', () => {
  expect(filesWith('eslint(no-restricted-properties)', [['engine/clock.ts', 'export const now = Date.now()']])).toContain('engine/clock.ts')
})

it('refuses types of Cloudflare in what is pure, but around the bindings', () => {
  const files = ['core/bucket.ts', 'engine/bucket.ts', 'objects/x/core.ts', 'core/metered_bucket.ts', 'objects/x/object.ts']
  const found = filesWith(
    'typescript(no-restricted-types)',
    files.map((file): Case => [file, 'export const bucketOf = (env: { bucket: R2Bucket }) => env.bucket']),
  )
  expect([...found].toSorted()).toEqual(['core/bucket.ts', 'engine/bucket.ts', 'objects/x/core.ts'])
})

it('refuses a cycle of imports', () => {
  const cycle: Case[] = [
    ['core/one.ts', "import { two } from './two.ts'\nexport const one = (): number => two"],
    ['core/two.ts', "import { one } from './one.ts'\nexport const two = one()"],
  ]
  expect(filesWith('import(no-cycle)', cycle)).toContain('core/one.ts')
})
