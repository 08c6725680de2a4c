import { execFile, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { root, stateDir } from './settings.ts'
import { CommandError } from './terminal.ts'

const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
const logFile = join(stateDir, 'server.log')
/** The slowest machine seen needed 20 s for a first build. */
const readyWithinMs = 90_000
const stopWithinMs = 6_000

// No question, no update check, no colour: what wrangler prints goes to a file.
const quiet = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1', NO_COLOR: '1' }

export interface DevServer {
  readonly url: string
  /** Settles when the server process has ended, whoever ended it. */
  readonly exited: Promise<void>
  /** Ends the server and everything it started. May be called more than once. */
  stop(): Promise<void>
}

/** Brings the local D1 up to the newest migration; says nothing unless it fails. */
export async function migrateLocalDatabase(ending: AbortSignal): Promise<void> {
  const args = [wrangler, 'd1', 'migrations', 'apply', 'edgelog', '--local', '--persist-to', stateDir]
  try {
    await promisify(execFile)(process.execPath, args, { cwd: root, env: quiet, signal: ending })
  } catch (error) {
    ending.throwIfAborted()
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string }
    throw new CommandError(
      `The database migrations failed:\n${stdout}${stderr}`,
      'Repair the migration named above and run the command again.',
    )
  }
}

/** Starts the Worker under wrangler and answers when it says that it is ready; when `ending` aborts before, it leaves nothing behind. */
export async function startDevServer(port: number, ending: AbortSignal): Promise<DevServer> {
  const url = `http://127.0.0.1:${port}`
  const args = ['dev', '--ip', '127.0.0.1', '--port', `${port}`, '--inspector-port', '0', '--persist-to', stateDir]
  args.push('--var', `PUBLIC_URL:${url}`, ...passedOn(), '--show-interactive-dev-session=false')
  const child = spawn(process.execPath, [wrangler, ...args], { cwd: root, env: quiet, stdio: ['ignore', 'pipe', 'pipe'] })
  const output = keepOutput(child)
  const exited = new Promise<void>((resolve) => {
    child.once('close', () => resolve())
  })
  const server: DevServer = { url, exited, stop: () => stop(child, exited) }
  const failure = await untilReady(
    `${url}/health/ready`,
    () => output.failure ?? endOf(child) ?? (ending.aborted ? 'it was stopped' : undefined),
  )
  if (failure === undefined) return server
  await server.stop()
  ending.throwIfAborted()
  throw new CommandError(`The server did not become ready: ${failure}.\n${output.last.join('\n')}`, `All that it printed is in ${logFile}.`)
}

/** Variables of the Worker that the environment sets for one run. Passwords are not among them: those belong in .dev.vars. */
const passable = ['MAIL_TRANSPORT', 'MAIL_FROM', 'SMTP_HOST', 'SMTP_PORT', 'SMTP_SECURITY', 'WEBHOOK_PRIVATE_TARGETS'] as const

function passedOn(): string[] {
  return passable.flatMap((name) => (process.env[name] === undefined ? [] : ['--var', `${name}:${process.env[name]}`]))
}

/** True when an Edgelog answers there. */
export async function isEdgelog(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
    const body = (await response.json()) as { name?: unknown }
    return body.name === 'Edgelog'
  } catch {
    return false
  }
}

/** Two servers on one folder of data would give the same sequence numbers to different logs. `url` is where it was served last. */
export async function refuseSharedState(url: string): Promise<void> {
  if (!(await isEdgelog(url))) return
  throw new CommandError(
    `The data in ${stateDir} is being served at ${url} already.`,
    'Use that one, stop it first, or give the new one a folder of its own: EDGELOG_STATE=.wrangler/other PORT=8788 npm start',
  )
}

/** Throws CommandError when something listens there already. */
export async function refuseTakenPort(port: number): Promise<void> {
  const probe = createServer()
  const taken = await new Promise<boolean>((resolve, reject) => {
    probe.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(true) : reject(error)))
    probe.listen({ port, host: '127.0.0.1', exclusive: true }, () => probe.close(() => resolve(false)))
  })
  if (!taken) return
  const who = (await isEdgelog(`http://127.0.0.1:${port}`)) ? 'an Edgelog that is running already' : 'another program'
  throw new CommandError(
    `Port ${port} is taken by ${who}.`,
    `Stop it, or choose another port: PORT=${port === 8787 ? 8788 : port + 1} npm start`,
  )
}

interface Output {
  /** The last lines. */
  readonly last: string[]
  /** What it said that it will not recover from by itself. */
  failure: string | undefined
}

/** Writes all output to the log file, shows errors of the Worker, and keeps the last lines for a failure's message. */
function keepOutput(child: ChildProcess): Output {
  const file = createWriteStream(logFile)
  const output: Output = { last: [], failure: undefined }
  for (const stream of [child.stdout, child.stderr]) {
    if (!stream) continue
    createInterface({ input: stream }).on('line', (line) => {
      file.write(`${line}\n`)
      output.last.push(line)
      if (output.last.length > 30) output.last.shift()
      if (line.includes('Build failed')) output.failure = 'the Worker could not be built'
      const json = line.indexOf('{"level":"error"')
      if (json >= 0) console.error(line.slice(json))
    })
  }
  child.once('close', () => file.end())
  return output
}

function endOf(child: ChildProcess): string | undefined {
  return child.exitCode !== null || child.signalCode !== null ? 'it ended by itself' : undefined
}

/** Undefined when ready, else why not; `hopeless` says early why it never will be. */
async function untilReady(url: string, hopeless: () => string | undefined): Promise<string | undefined> {
  const deadline = Date.now() + readyWithinMs
  let last = 'no answer'
  while (Date.now() < deadline) {
    const reason = hopeless()
    if (reason !== undefined) return reason
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(5_000) })
      if (response.ok) return undefined
      last = `${response.status} ${await response.text()}`
    } catch (error) {
      last = error instanceof Error ? error.message : String(error)
    }
    await wait(200)
  }
  return `after ${readyWithinMs / 1000} s ${url} still said: ${last}`
}

async function stop(child: ChildProcess, exited: Promise<void>): Promise<void> {
  if (endOf(child) !== undefined) return exited
  const started = await descendants(child.pid)
  child.kill('SIGTERM')
  const timer = new AbortController()
  const late = wait(stopWithinMs, undefined, { signal: timer.signal }).catch(() => undefined)
  await Promise.race([exited, late])
  timer.abort()
  // Whatever of it is left does not save anything any more: state is written as it changes.
  for (const pid of [...started, child.pid]) if (pid !== undefined) killQuietly(pid)
  return exited
}

/** Ids of all processes below this one; empty where there is no ps (Windows ends children by itself). */
async function descendants(pid: number | undefined): Promise<number[]> {
  if (pid === undefined || process.platform === 'win32') return []
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid='])
  const rows = stdout
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
  const found = [pid]
  for (const parent of found) for (const [child, above] of rows) if (above === parent && child !== undefined) found.push(child)
  return found.slice(1)
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended already, which is what was wanted.
  }
}
