import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import * as z from 'zod'
import { root } from './dev/settings.ts'
import { main, seconds } from './dev/terminal.ts'

/** In this order: what fails fastest first. */
const suites = [
  { project: 'unit', what: 'pure code in Node' },
  { project: 'workerd', what: 'Worker, D1 and Durable Objects in the real runtime' },
  { project: 'e2e', what: 'real processes and sockets' },
] as const

const reportSchema = z.object({ numPassedTests: z.number(), numFailedTests: z.number(), numPendingTests: z.number(), success: z.boolean() })

/** `npm test`: every suite; the last line counts the tests of all of them. Arguments go to vitest, as a filter for instance. */
await main(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'edgelog-test-'))
  let passed = 0
  let failed = 0
  let skipped = 0
  try {
    for (const { project, what } of suites) {
      console.log(`\n${project}: ${what}`)
      const began = performance.now()
      const file = join(folder, `${project}.json`)
      const code = await vitest(project, file)
      const result = readReport(file)
      // A suite that broke before it could count its tests is one failure.
      const broken = result === undefined || ((code !== 0 || !result.success) && result.numFailedTests === 0)
      passed += result?.numPassedTests ?? 0
      failed += (result?.numFailedTests ?? 0) + (broken ? 1 : 0)
      skipped += result?.numPendingTests ?? 0
      console.log(`${project}: ${result?.numPassedTests ?? 0} passed in ${seconds(performance.now() - began)}`)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
  if (skipped > 0) console.log(`\n${skipped} skipped`)
  // The last line, in exactly this form: .ci/run reads it.
  console.log(`${passed} passed, ${failed} failed`)
  return failed === 0 && passed > 0 ? 0 : 1
})

function vitest(project: string, reportFile: string): Promise<number> {
  const reporters = ['--reporter', 'default', '--reporter', 'json', `--outputFile.json=${reportFile}`]
  const args = [
    'run',
    '--config',
    'test/vitest.config.ts',
    '--project',
    project,
    '--passWithNoTests',
    ...reporters,
    ...process.argv.slice(2),
  ]
  const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}` }
  return new Promise((resolve, reject) => {
    const child = spawn('vitest', args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
}

function readReport(file: string): z.infer<typeof reportSchema> | undefined {
  try {
    return reportSchema.parse(JSON.parse(readFileSync(file, 'utf8')))
  } catch {
    return undefined
  }
}
