import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import * as z from 'zod'
import { CommandError } from './terminal.ts'

export const root = join(import.meta.dirname, '..', '..')

/** Where the local D1, R2, KV and Durable Objects live; EDGELOG_STATE keeps tests away from a developer's data. */
export const stateDir = resolve(root, process.env['EDGELOG_STATE'] ?? '.wrangler/state')

const connectionFile = join(stateDir, 'edgelog.json')
const connectionSchema = z.object({ url: z.string(), apiKey: z.string() })

/** How scripts reach the development server: remembered beside its data, so that both come and go together. */
export type Connection = z.infer<typeof connectionSchema>

export function readConnection(): Connection | undefined {
  if (!existsSync(connectionFile)) return undefined
  try {
    return connectionSchema.parse(JSON.parse(readFileSync(connectionFile, 'utf8')))
  } catch {
    throw new CommandError(`${connectionFile} is damaged.`, 'Delete the file and run npm start: it makes a new development API key.')
  }
}

export function writeConnection(connection: Connection): void {
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(connectionFile, `${JSON.stringify(connection, null, 2)}\n`, { mode: 0o600 })
}

/** TCP port of the development server, from PORT or 8787. */
export function portFromEnvironment(): number {
  const text = process.env['PORT'] ?? '8787'
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port < 1 || port > 65_535) {
    throw new CommandError(`PORT is "${text}", which is no port number.`, 'Give a number from 1 to 65535, for example: PORT=8788 npm start')
  }
  return port
}
