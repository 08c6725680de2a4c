import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as z from 'zod'
import { root, stateDir } from './settings.ts'
import { CommandError } from './terminal.ts'

const wrangler = join(root, 'node_modules', 'wrangler', 'bin', 'wrangler.js')
// No question, no update check, no colour: its output is read by us.
const quiet = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_HIDE_BANNER: 'true', CI: '1', NO_COLOR: '1' }

const answersSchema = z.array(z.object({ results: z.array(z.record(z.string(), z.unknown())) }))
const failureSchema = z.object({ error: z.object({ text: z.string() }) })

/** Runs statements on the local D1, or on that of the deployment, and answers the rows of the last one. */
export async function executeSql(statements: readonly string[], { remote }: { remote: boolean }): Promise<Record<string, unknown>[]> {
  const place = remote ? ['--remote', '--yes'] : ['--local', '--persist-to', stateDir]
  const command = `${statements.join(';\n')};`
  const args = [wrangler, 'd1', 'execute', 'DB', ...place, '--json', '--command', command]
  try {
    const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: root, env: quiet, maxBuffer: 16 * 1024 * 1024 })
    return answersSchema.parse(JSON.parse(stdout)).at(-1)?.results ?? []
  } catch (error) {
    if (!(error instanceof Error) || !('stdout' in error)) throw error
    const { stdout, stderr } = error as Error & { stdout: string; stderr: string }
    const reason = reasonIn(stdout) ?? `${stdout}${stderr}`.trim()
    throw new CommandError(`The database cannot be asked: ${reason}`, nextStep(reason, remote))
  }
}

/** What wrangler says went wrong; undefined where it does not say it as JSON. */
function reasonIn(output: string): string | undefined {
  const start = output.indexOf('{')
  try {
    return failureSchema.parse(JSON.parse(output.slice(start))).error.text
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) return undefined
    throw error
  }
}

function nextStep(reason: string, remote: boolean): string {
  if (!remote) return reason.includes('no such table') ? 'Run npm start once: it makes the tables.' : 'Look at the message above.'
  return 'Is wrangler logged in (npx wrangler login, or CLOUDFLARE_API_TOKEN), and does wrangler.toml name the database of the deployment?'
}
