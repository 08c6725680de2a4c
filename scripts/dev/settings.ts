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

/**
 * The server and key that a command uses: its options, else EDGELOG_URL and EDGELOG_API_KEY, else those of npm start. The
 * development key never goes to another address than its own server's. Throws a CommandError that says what is missing, or that
 * PORT names another server than npm start made.
 */
export function connectionFor(givenUrl: string | undefined, givenKey: string | undefined): Connection {
  const url = serverUrl(givenUrl)
  const keyText = givenKey ?? process.env['EDGELOG_API_KEY']
  const known = keyText === undefined ? readConnection() : undefined
  const apiKey = keyText ?? (known?.url === url ? known.apiKey : undefined)
  if (apiKey === undefined) throw new CommandError(`There is no API key for ${url}.`, 'Give --key or EDGELOG_API_KEY.')
  return { url, apiKey }
}

/** The same for a command that needs no key. */
export function serverUrl(given: string | undefined): string {
  const urlText = given ?? process.env['EDGELOG_URL']
  const known = urlText === undefined ? readConnection() : undefined
  if (known !== undefined) refuseOtherPort(known.url)
  const url = (urlText ?? known?.url)?.replace(/\/+$/, '')
  if (url === undefined) {
    throw new CommandError('It is not known where Edgelog is.', 'Give --url or EDGELOG_URL, or run npm start once on this machine.')
  }
  if (!URL.canParse(url) || !/^https?:/.test(url)) {
    throw new CommandError(`--url "${url}" is no http or https address.`, 'Give an address such as https://logs.example.com.')
  }
  return url
}

/** Who gives PORT means the server there, of which nothing is known but that it is not the one of npm start. */
function refuseOtherPort(url: string): void {
  if (process.env['PORT'] === undefined) return
  const port = portFromEnvironment()
  if (url.endsWith(`:${port}`)) return
  throw new CommandError(
    `PORT is ${port}, but npm start served ${stateDir} at ${url} last.`,
    `Leave out PORT to use that server; for another one give --url http://127.0.0.1:${port} and --key, or the EDGELOG_STATE it was started with.`,
  )
}
