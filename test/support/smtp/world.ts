import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newSecrets } from '../../../scripts/dev/secrets.ts'
import { root } from '../../../scripts/dev/settings.ts'
import { readWranglerConfig } from '../../../scripts/dev/wrangler_config.ts'
import { configOf } from '../../../src/config.ts'
import type { Env } from '../../../src/config.ts'
import type { EmailJob } from '../../../src/core/jobs.ts'
import { createUuidv7 } from '../../../src/core/ids.ts'
import type { MailKind, MailParams } from '../../../src/core/mails.ts'
import { openDatabase } from '../../../src/db/client.ts'
import type { BaseCtx } from '../../../src/db/context.ts'
import { newMail } from '../../../src/db/mails.ts'
import { makeCertificates } from './certificates.ts'
import { startMailServers } from './servers.ts'
import type { MailServers } from './servers.ts'
import type { MailCall, MailOutcome } from './worker.ts'

/** The code that sends mails in workerd, with D1 and R2, and mail servers beside it whose certificates it trusts. */
export interface SmtpWorld {
  servers: MailServers
  call(what: MailCall): Promise<MailOutcome>
  /** Stores a mail and gives its job, which no queue knows of. */
  write<K extends MailKind>(kind: K, to: string, params: MailParams<K>): Promise<EmailJob>
  db: BaseCtx['db']
  stop(): Promise<void>
}

/** Certificates are for this name; by its address the server is somebody else. */
export const host = 'localhost'

export async function startSmtpWorld(): Promise<SmtpWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'edgelog-smtp-'))
  const { authority, server } = makeCertificates(host)
  const trusted = join(folder, 'authority.pem')
  writeFileSync(trusted, authority)
  // workerd is told by Miniflare what this process trusts, which looks at it as it is loaded.
  process.env['NODE_EXTRA_CA_CERTS'] = trusted
  const { convertV4MiniflareOptions, Miniflare } = await import('miniflare')
  const vars = { ...(await newSecrets()), ENVIRONMENT: 'test', PUBLIC_URL: 'https://logs.example.com' }
  const miniflare = new Miniflare(convertV4MiniflareOptions({ ...(await build(folder)), bindings: vars }))
  const servers = startMailServers(server)
  const database = await miniflare.getD1Database('DB')
  await migrate(database)
  const db = openDatabase(database)
  const config = configOf(vars as unknown as Env)
  const ctx = { db, config, now: () => Date.now(), newId: createUuidv7(() => Date.now()), requestId: 'test' } as BaseCtx
  return {
    servers,
    db,
    async call(what) {
      const answer = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(what) })
      return (await answer.json()) as MailOutcome
    },
    async write(kind, to, params) {
      const { job, statement } = newMail(ctx, kind, { to, ownerId: ctx.newId() }, params)
      await statement
      return job
    },
    async stop() {
      await servers.stop()
      await miniflare.dispose()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function build(folder: string) {
  const { compatibility_date: compatibilityDate = '', compatibility_flags: compatibilityFlags } = await readWranglerConfig()
  const config = join(folder, 'wrangler.toml')
  const main = join(root, 'test/support/smtp/worker.ts').replaceAll('\\', '/')
  writeFileSync(
    config,
    `name = "mails"\nmain = "${main}"\ncompatibility_date = "${compatibilityDate}"\ncompatibility_flags = ${JSON.stringify(compatibilityFlags)}\n`,
  )
  const outdir = join(folder, 'out')
  execFileSync('wrangler', ['deploy', '--config', config, '--dry-run', '--outdir', outdir], { stdio: ['ignore', 'ignore', 'inherit'] })
  return {
    name: 'mails',
    modules: [{ type: 'ESModule' as const, path: join(outdir, 'worker.js') }],
    modulesRoot: outdir,
    compatibilityDate,
    compatibilityFlags,
    d1Databases: { DB: 'mails' },
    r2Buckets: ['STORAGE'],
    email: { send_email: [{ name: 'EMAIL' }] },
  }
}

async function migrate(database: { prepare(sql: string): { run(): Promise<unknown> } }): Promise<void> {
  const folder = join(root, 'migrations')
  const files = readdirSync(folder).filter((name) => name.endsWith('.sql'))
  for (const file of files.sort())
    for (const statement of readFileSync(join(folder, file), 'utf8').split('--> statement-breakpoint'))
      await database.prepare(statement).run()
}
