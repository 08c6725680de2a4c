import { spawn } from 'node:child_process'
import { delimiter, join } from 'node:path'
import { parseArgs } from 'node:util'
import { root } from './dev/settings.ts'
import { CommandError, main } from './dev/terminal.ts'

/**
 * `npm run fuzz -- --seconds N`: every fuzzer of test/unit/fuzz for so long (60 seconds by default); `npm test` gives each a
 * second. A failure names its seed and the smallest input that was found.
 */
await main(async () => {
  const { values, positionals } = parseArgs({ options: { seconds: { type: 'string' } }, allowPositionals: true })
  const seconds = values.seconds ?? '60'
  if (!/^\d{1,6}$/.test(seconds) || seconds === '0') {
    throw new CommandError('`--seconds` is a whole number of seconds.', 'Usage: npm run fuzz -- [--seconds N] [FILE...]')
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
