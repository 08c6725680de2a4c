import { execFileSync, spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as z from 'zod'

const root = join(import.meta.dirname, '../..')
const connection = z.object({ url: z.string(), apiKey: z.string() })

/** A folder of its own for the local storages, and a free port: nothing of a developer's own server is touched. */
export interface Sandbox {
  readonly port: number
  readonly stateDir: string
  readonly env: NodeJS.ProcessEnv
  /** URL and API key that `npm start` made. */
  connection(): z.infer<typeof connection>
  remove(): void
}

export async function createSandbox(): Promise<Sandbox> {
  const stateDir = mkdtempSync(join(tmpdir(), 'edgelog-e2e-'))
  const port = await freePort()
  const env = { ...process.env, PORT: `${port}`, EDGELOG_STATE: stateDir, FORCE_COLOR: '0' }
  return {
    port,
    stateDir,
    env,
    connection: () => connection.parse(JSON.parse(readFileSync(join(stateDir, 'edgelog.json'), 'utf8'))),
    remove: () => rmSync(stateDir, { recursive: true, force: true }),
  }
}

/** One `npm run` command in a process group of its own. */
export interface Command {
  /** All it printed so far. */
  output(): string
  /** Resolves when its output matches; rejects when it ends before. */
  printed(pattern: RegExp): Promise<RegExpExecArray>
  /** To the whole group, as a terminal does with Ctrl-C; or to the command alone, as `kill` does. */
  signal(name: NodeJS.Signals, to?: 'group' | 'command'): void
  /** Its exit code, or the name of the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
  /** Commands of this group that are still running. */
  survivors(): string[]
}

export function runCommand(name: string, args: readonly string[], { env }: Pick<Sandbox, 'env'>, input?: string): Command {
  const child = spawn(process.execPath, [join(root, 'scripts/bootstrap.mjs'), name, ...args], { cwd: root, env, detached: true })
  child.stdin.end(input)
  let text = ''
  const waiting = new Set<() => void>()
  const take = (part: Buffer) => {
    text += part.toString()
    for (const look of waiting) look()
  }
  child.stdout.on('data', take)
  child.stderr.on('data', take)
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve(code ?? signal ?? 1))
  })
  const printed = (pattern: RegExp) =>
    new Promise<RegExpExecArray>((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(text)
        if (!match) return
        waiting.delete(look)
        resolve(match)
      }
      waiting.add(look)
      look()
      void ended.then((code) => reject(new Error(`${name} ended with ${code} before it printed ${pattern}:\n${text}`)))
    })
  return { output: () => text, printed, signal: (name, to = 'group') => signalTo(child, name, to), ended, survivors: () => groupOf(child) }
}

function signalTo(child: ChildProcess, name: NodeJS.Signals, to: 'group' | 'command'): void {
  if (to === 'command') child.kill(name)
  else if (child.pid !== undefined) process.kill(-child.pid, name)
}

function groupOf({ pid }: ChildProcess): string[] {
  const rows = execFileSync('ps', ['-A', '-o', 'pgid=,stat=,args='], { encoding: 'utf8' }).trim().split('\n')
  return rows.map((row) => row.trim()).filter((row) => row.startsWith(`${pid} `) && !/^\d+ +Z/.test(row))
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}
