import { demoEmail, demoPassword, demoUserNames, ensureDemoTenant, refuseProduction } from './dev/demo_tenant.ts'
import { ensureDevSecrets } from './dev/secrets.ts'
import { isEdgelog, migrateLocalDatabase, startDevServer } from './dev/server.ts'
import { portFromEnvironment, readConnection, writeConnection } from './dev/settings.ts'
import { bar, endingSignal, main, parseFlags, progressLine, step, thousands, usageError } from './dev/terminal.ts'
import { sendDemoLogs } from './seed/send_logs.ts'

const usage = `Fills the demo tenant of this development machine.

  npm run seed -- [--logs N] [--users N] [--clear]

  --logs N     demo logs to send, at most 10000000 (default 10000)
  --users N    users the tenant has at least, at most 1000 (default 5)
  --clear      removes the demo tenant with its users, keys and logs first`

const flags = {
  logs: { type: 'string', default: '10000' },
  users: { type: 'string', default: '5' },
  clear: { type: 'boolean', default: false },
} as const

await main(async () => {
  const options = parseOptions()
  if (options === undefined) return
  await refuseProduction()
  const ending = endingSignal()
  await ensureDevSecrets()
  await step('Database migrations', () => migrateLocalDatabase(ending))
  const known = readConnection()
  const served = known !== undefined && (await isEdgelog(known.url))
  const url = served ? known.url : `http://127.0.0.1:${portFromEnvironment()}`
  const tenant = () => ensureDemoTenant({ userCount: options.users, clear: options.clear, needKey: !known })
  const demo = await step(options.clear ? 'Demo tenant, made anew' : 'Demo tenant', tenant, ({ users }) => `${users} users made`)
  const apiKey = demo.apiKey ?? known?.apiKey
  if (apiKey === undefined) throw new Error('there is no development API key')
  writeConnection({ url, apiKey })
  const accepted = options.logs > 0 ? await sendLogs({ url, apiKey }, options.logs, ending) : 0
  console.log(`${thousands(accepted)} logs accepted. Log in as ${demoEmail(demoUserNames[0] ?? '')} with ${demoPassword}.`)
  if (demo.apiKey !== undefined) console.log(`The API key is now ${demo.apiKey}`)
})

/** Undefined when help was asked for. */
function parseOptions(): { logs: number; users: number; clear: boolean } | undefined {
  const values = parseFlags(usage, { options: flags })?.values
  if (values === undefined) return undefined
  return { logs: count('logs', values.logs, 0, 10_000_000), users: count('users', values.users, 0, 1_000), clear: values.clear }
}

function count(name: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (!/^\d+$/.test(text) || value < least || value > most)
    throw usageError(usage, `--${name} must be a whole number from ${least} to ${most}.`)
  return value
}

/** Through the server that runs there, or one of its own for as long as it takes. */
async function sendLogs(connection: { url: string; apiKey: string }, logs: number, ending: AbortSignal): Promise<number> {
  const running = await isEdgelog(connection.url)
  const server = running
    ? undefined
    : await step(
        'Server',
        () => startDevServer(portFromEnvironment(), ending),
        () => 'ready',
      )
  const line = progressLine()
  try {
    return await sendDemoLogs(connection, logs, ending, (sent) => line.update(() => `${bar(sent, logs)}${thousands(sent)} logs`))
  } finally {
    line.end()
    await server?.stop()
  }
}
