import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { root } from './dev/settings.ts'
import { main, parseFlags, usageError } from './dev/terminal.ts'

const usage = `Gives every parser and decoder bytes and texts that nobody would send. npm test does so for a second each.

  npm run fuzz -- [options] [FILE...]

  --seconds N         how long each fuzzer runs (default 60)

FILE: fuzzers to run (default: all of test/unit/fuzz). A failure names its seed and the smallest input that was found.
Exit code: 0 when nothing was found.`

const flags = { seconds: { type: 'string', default: '60' } } as const

await main(async () => {
  const line = parseFlags(usage, { options: flags, allowPositionals: true })
  if (line === undefined) return 0
  const { values, positionals } = line
  const { seconds } = values
  if (!/^\d{1,6}$/.test(seconds) || seconds === '0') {
    throw usageError(usage, '--seconds must be a whole number from 1 to 999999.')
  }
  console.log(`Each fuzzer runs for ${seconds} seconds.`)
  const files = positionals.length > 0 ? positionals : ['test/unit/fuzz/']
  const args = ['run', '--config', 'test/vitest.config.ts', '--project', 'unit', '--reporter', 'verbose', ...files]
  const env = {
    ...process.env,
    FUZZ_SECONDS: seconds,
    PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
  }
  return new Promise<number>((resolve, reject) => {
    const child = spawn('vitest', args, { cwd: root, env, stdio: 'inherit', shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('close', (code) => resolve(code ?? 1))
  })
})
