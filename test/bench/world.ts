import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import type { V4WorkerOptions } from 'miniflare'
import { unstable_getMiniflareWorkerOptions as workerOptionsOf } from 'wrangler'
import type { Unstable_Config } from 'wrangler'
import { newSecrets } from '../../scripts/dev/secrets.ts'
import { readWranglerConfig } from '../../scripts/dev/wrangler_config.ts'

const metricsToken = 'metrics-token-of-the-bench'

/** A running server with one organization, for benchmarks: real workerd, real sockets, storage in a temporary folder. */
export interface BenchWorld extends Tenant {
  url: string
  /** The row-per-log baseline, in the same process. */
  baselineUrl: string
  metricsToken: string
  /** The D1 of the Worker, around its meter. */
  database: D1Database
  /** Runs what a cron expression starts, and waits for it. */
  scheduled(cron: string): Promise<void>
  /** One more organization, with an account of its own. */
  addTenant(email: string): Promise<Tenant>
  /** WebSocket of the inspector of the isolate that runs Worker and Durable Objects. */
  inspector: string
  stop(): Promise<void>
}

async function api(url: string, path: string, body: unknown, token?: string): Promise<Record<string, unknown>> {
  const response = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(token === undefined ? {} : { authorization: `Bearer ${token}` }) },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
  return (await response.json()) as Record<string, unknown>
}

interface Tenant {
  organizationId: string
  userId: string
  ingestKey: string
  queryKey: string
  /** Manages segments and tasks. */
  adminKey: string
}

async function createTenant(url: string, email: string): Promise<Tenant> {
  const credentials = { email, password: 'bench passphrase 42' }
  await api(url, '/api/v1/auth/register', { ...credentials, organization_name: 'Bench' })
  const token = String((await api(url, '/api/v1/auth/login', credentials))['access_token'])
  const me = await fetch(`${url}/api/v1/auth/me`, { headers: { authorization: `Bearer ${token}` } })
  const { id, memberships } = (await me.json()) as { id: string; memberships: { organization_id: string }[] }
  const ingest = await api(url, '/api/v1/api-keys', { name: 'bench ingest', kind: 'ingest' }, token)
  const query = await api(url, '/api/v1/api-keys', { name: 'bench query', kind: 'query' }, token)
  const admin = await api(url, '/api/v1/api-keys', { name: 'bench admin', kind: 'admin' }, token)
  return {
    organizationId: memberships[0]!.organization_id,
    userId: id,
    ingestKey: String(ingest['key']),
    queryKey: String(query['key']),
    adminKey: String(admin['key']),
  }
}

function build(config: string, outdir: string): void {
  execFileSync('wrangler', ['deploy', '--config', config, '--dry-run', '--outdir', outdir], { stdio: ['ignore', 'ignore', 'inherit'] })
}

/** The Worker as a deployment would be built, with all that wrangler.toml gives it: queues and their consumers, objects, storage. */
async function edgelogWorker(config: Unstable_Config, folder: string, vars: Record<string, string>): Promise<V4WorkerOptions> {
  build('wrangler.toml', folder)
  // Secrets and variables of this machine's .dev.vars stay out, as figures would depend on them: they are looked for beside this file.
  const { workerOptions } = workerOptionsOf({ ...config, userConfigPath: join(folder, 'wrangler.toml') })
  return {
    ...workerOptions,
    name: 'edgelog',
    modules: [{ type: 'ESModule', path: join(folder, 'worker.js') }],
    modulesRoot: folder,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    bindings: {
      ...(workerOptions['bindings'] as V4WorkerOptions['bindings']),
      ...(await newSecrets()),
      ENVIRONMENT: 'test',
      PUBLIC_URL: 'http://127.0.0.1',
      RATE_LIMIT_ANONYMOUS_PER_MINUTE: '1000000',
      RATE_LIMIT_API_KEY_PER_MINUTE: '100000000',
      METRICS_TOKEN: metricsToken,
      ...vars,
    },
  }
}

function baselineWorker({ compatibility_date: compatibilityDate = '' }: Unstable_Config, folder: string): V4WorkerOptions {
  const config = join(folder, 'wrangler.toml')
  mkdirSync(folder)
  writeFileSync(
    config,
    `name = "baseline"\nmain = "${resolve('test/bench/baseline_worker.ts')}"\ncompatibility_date = "${compatibilityDate}"\n`,
  )
  build(config, folder)
  return {
    name: 'baseline',
    modules: [{ type: 'ESModule', path: join(folder, 'baseline_worker.js') }],
    modulesRoot: folder,
    compatibilityDate,
    unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
    d1Databases: { DB: 'baseline' },
  }
}

/** D1 of Edgelog by its migrations, and the two tables of the baseline. */
async function createTables(miniflare: Miniflare): Promise<void> {
  const database = await miniflare.getD1Database('DB', 'edgelog')
  for (const file of readdirSync('migrations')
    .filter((name) => name.endsWith('.sql'))
    .sort()) {
    for (const statement of readFileSync(join('migrations', file), 'utf8').split('--> statement-breakpoint')) {
      await database.prepare(statement).run()
    }
  }
  const baseline = await miniflare.getD1Database('DB', 'baseline')
  for (const table of ['bare', 'indexed']) {
    await baseline
      .prepare(
        `CREATE TABLE ${table} (id TEXT PRIMARY KEY, organization_id TEXT, timestamp TEXT, severity TEXT, source TEXT, message TEXT, attributes TEXT)`,
      )
      .run()
  }
  for (const order of ['timestamp', 'severity, timestamp', 'source, timestamp']) {
    await baseline.prepare(`CREATE INDEX "by ${order}" ON indexed (organization_id, ${order})`).run()
  }
}

/** Builds the Worker as a deployment would, starts it in workerd, migrates D1 and makes an organization with its keys. */
export async function startBenchWorld(vars: Record<string, string> = {}): Promise<BenchWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'edgelog-bench-'))
  const config = await readWranglerConfig()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      inspectorPort: 0,
      // A line a request would fill the table; only trouble is shown.
      handleStructuredLogs: ({ level, message }) => {
        if (level === 'error' || level === 'warn') console.error(message)
      },
      resourcePersistencePath: join(folder, 'state'),
      workers: [await edgelogWorker(config, join(folder, 'worker'), vars), baselineWorker(config, join(folder, 'baseline'))],
    }),
  )
  await createTables(miniflare)
  const origin = async (worker: string): Promise<string> => (await miniflare.unsafeGetDirectURL(worker)).href.replace(/\/$/, '')
  const url = await origin('edgelog')
  return {
    url,
    baselineUrl: await origin('baseline'),
    ...(await createTenant(url, 'bench@example.com')),
    database: await miniflare.getD1Database('DB', 'edgelog'),
    async scheduled(cron) {
      const worker = await miniflare.getWorker('edgelog')
      const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() })
      if (outcome !== 'ok') throw new Error(`the schedule ${cron} ended with ${outcome}`)
    },
    addTenant: (email) => createTenant(url, email),
    metricsToken,
    inspector: await inspectorOf(miniflare, 'edgelog'),
    async stop() {
      await miniflare.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** The address of the inspector of one worker's isolate, which its Durable Objects share. */
async function inspectorOf(miniflare: Miniflare, worker: string): Promise<string> {
  const { host } = await miniflare.getInspectorURL()
  const list = (await (await fetch(`http://${host}/json`)).json()) as { id: string; webSocketDebuggerUrl: string }[]
  const target = list.find(({ id }) => id.endsWith(`:${worker}`))
  if (target === undefined) throw new Error(`workerd has no inspector of ${worker}`)
  return target.webSocketDebuggerUrl
}
