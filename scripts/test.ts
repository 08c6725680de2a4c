import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import * as z from 'zod'
import { root } from './dev/settings.ts'
import { main, seconds } from './dev/terminal.ts'

/**
 * The suites of a lane run one after the other, what fails fastest first; the lanes run side by side. The real runtime keeps one
 * core busy at a time, so half of its files go into a lane of their own, with a storage of their own; end-to-end tests wait more
 * than they work.
 */
const workerd = 'Worker, D1 and Durable Objects in the real runtime'
const lanes = [
  [
    { project: 'unit', what: 'pure code in Node' },
    { project: 'workerd', shard: '1/2', what: `${workerd}, one half` },
  ],
  [{ project: 'workerd', shard: '2/2', what: `${workerd}, the other half` }],
  [{ project: 'e2e', what: 'real processes and sockets' }],
] as const satisfies readonly (readonly Suite[])[]

interface Suite {
  project: string
  /** Which part of its files, as vitest writes it. */
  shard?: string | undefined
  what: string
}

interface Outcome {
  passed: number
  failed: number
  skipped: number
}

const reportSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number(), success: z.boolean() })

/** `npm test`: every suite; the last line counts the tests of all of them. Arguments go to vitest, as a filter for instance. */
await main(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgelog-test-'))
  const outcomes: Outcome[] = []
  // The first lane can be read while it runs; what the others wrote is shown when a suite is over.
  const run = async (lane: readonly Suite[], isQuiet: boolean) => {
    for (const suite of lane) outcomes.push(await runSuite(suite, folder, isQuiet))
  }
  try {
    await Promise.all(lanes.map((lane, i) => run(lane, i > 0)))
  } finally {
    rmSync(folder, { recursive: true })
  }
  const total = (of: keyof Outcome) => outcomes.reduce((sum, outcome) => sum + outcome[of], 0)
  if (total('skipped') > 0) console.log(`\n${total('skipped')} skipped`)
  // The last line, in exactly this form: .ci/run reads it.
  console.log(`${total('passed')} passed, ${total('failed')} failed`)
  return total('failed') === 0 && total('passed') > 0 ? 0 : 1
})

async function runSuite({ project, shard, what }: Suite, folder: string, isQuiet: boolean): Promise<Outcome> {
  console.log(`\n${project}: ${what}`)
  const began = performance.now()
  const file = join(folder, `${project}${shard?.replace('/', '-') ?? ''}.json`)
  const code = await vitest({ project, shard }, file, isQuiet)
  const result = readReport(file)
  // A suite that broke before it could count its tests is one failure.
  const broken = result === undefined || ((code !== 0 || !result.success) && result.numFailedTests === 0)
  console.log(`${[project, shard].join(' ').trim()}: ${result?.numPassedTests ?? 0} passed in ${seconds(performance.now() - began)}`)
  return {
    passed: result?.numPassedTests ?? 0,
    failed: (result?.numFailedTests ?? 0) + (broken ? 1 : 0),
    skipped: result?.numPendingTests ?? 0,
  }
}

/** The exit code of the suite. A quiet one writes all at its end. */
function vitest({ project, shard }: Omit<Suite, 'what'>, reportFile: string, isQuiet: boolean): Promise<number> {
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${reportFile}`]
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--project',
    project,
    ...(shard === undefined ? [] : [`--shard=${shard}`]),
    '--passWithNoTests',
    ...reporters,
    ...process.argv.slice(2),
  ]
  const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}` }
  return new Promise((resolve, reject) => {
    const stdio = isQuiet ? ('pipe' as const) : ('inherit' as const)
    const child = spawn('vitest', args, { cwd: root, env, stdio, shell: process.platform === 'win32' })
    const written: Buffer[] = []
    child.stdout?.on('data', (data: Buffer) => written.push(data))
    child.stderr?.on('data', (data: Buffer) => written.push(data))
    child.on('error', reject)
    child.on('close', (code) => {
      process.stdout.write(Buffer.concat(written))
      resolve(code ?? 1)
    })
  })
}

function readReport(file: string): z.infer<typeof reportSchema> | undefined {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}
