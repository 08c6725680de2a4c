import { execFile } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { root } from './dev/settings.ts'
import { main, seconds } from './dev/terminal.ts'

/** Compressed bytes the Worker may have: Cloudflare allows 3 MB on the free plan, and a small one starts faster. */
const bundleGzipBytesMax = 600_000
/** As many checks at once as the smallest machine we build on has cores. */
const parallelChecks = 2

/** Properties and simulations try a fifth of their usual cases here; npm test tries them all. */
const quickEffort = '0.2'

interface Check {
  name: string
  /** Answers what to print beside "ok"; throws with what to show when it fails. */
  run(): Promise<string>
  /** What mends it, or shows more. */
  next: string
}

const code = ['src', 'test', 'scripts']

/** The slow ones first, so that the short ones fill the other core. */
const checks: Check[] = [
  {
    name: 'unit tests',
    run: async () =>
      /Tests\s+(.*passed.*)/.exec(await tool('vitest', 'run', '--config', 'test/vitest.config.ts', '--project', 'unit'))?.[1] ?? '',
    next: 'npx vitest --config test/vitest.config.ts --project unit',
  },
  {
    name: 'lint',
    run: () => quiet('oxlint', '--config', 'scripts/oxlint.json', '--type-aware', '--deny-warnings', ...code),
    next: 'npx oxlint --config scripts/oxlint.json --type-aware src test scripts',
  },
  { name: 'types of the Worker', run: () => quiet('tsc', '-p', 'tsconfig.json'), next: 'npx tsc -p tsconfig.json' },
  { name: 'types of the tests', run: () => quiet('tsc', '-p', 'test/tsconfig.json'), next: 'npx tsc -p test/tsconfig.json' },
  { name: 'types of the scripts', run: () => quiet('tsc', '-p', 'scripts/tsconfig.json'), next: 'npx tsc -p scripts/tsconfig.json' },
  { name: 'bundle size', run: bundleSize, next: 'npx wrangler deploy --dry-run --outdir dist/bundle' },
  {
    name: 'format',
    run: () => quiet('oxfmt', '--config', 'scripts/oxfmt.json', '--check', ...code, '!**/*.md', '!**/corpus/**'),
    next: 'npm run format',
  },
]

/** `npm run verify`: everything that can be checked without a server. */
await main(async () => {
  const began = performance.now()
  const failed: string[] = []
  const waiting = [...checks]
  const worker = async (): Promise<void> => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) if (!(await report(check))) failed.push(check.name)
  }
  await Promise.all(Array.from({ length: parallelChecks }, worker))
  const took = seconds(performance.now() - began)
  console.log(failed.length === 0 ? `All ${checks.length} checks passed in ${took}.` : `Failed after ${took}: ${failed.join(', ')}.`)
  return failed.length === 0 ? 0 : 1
})

async function report({ name, run, next }: Check): Promise<boolean> {
  const began = performance.now()
  try {
    const note = await run()
    console.log(`ok      ${name.padEnd(22)} ${seconds(performance.now() - began).padStart(7)}  ${note}`)
    return true
  } catch (error) {
    console.log(
      `FAILED  ${name.padEnd(22)} ${seconds(performance.now() - began).padStart(7)}\n${messageOf(error)}\n        Next: ${next}\n`,
    )
    return false
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

async function quiet(name: string, ...args: string[]): Promise<string> {
  await tool(name, ...args)
  return ''
}

/** Runs a tool of node_modules and answers what it printed; throws with that when it fails. */
function tool(name: string, ...args: string[]): Promise<string> {
  const env = {
    TEST_EFFORT: quickEffort,
    ...process.env,
    PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env['PATH'] ?? ''}`,
    NO_COLOR: '1',
  }
  return new Promise((resolve, reject) => {
    execFile(name, args, { cwd: root, env, maxBuffer: 64 * 1024 * 1024, shell: process.platform === 'win32' }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${stdout}${stderr}`.trim() || error.message))
    })
  })
}

/** Builds as a deployment would and weighs what would be uploaded. */
async function bundleSize(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'edgelog-bundle-'))
  try {
    await tool('wrangler', 'deploy', '--dry-run', '--outdir', folder)
    const bytes = readdirSync(folder)
      .filter((name) => name.endsWith('.js'))
      .reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0)
    const text = `${Math.ceil(bytes / 1000)} kB gzip of at most ${bundleGzipBytesMax / 1000} kB`
    if (bytes > bundleGzipBytesMax) throw new Error(`The Worker is too big: ${text}.`)
    return text
  } finally {
    rmSync(folder, { recursive: true })
  }
}
