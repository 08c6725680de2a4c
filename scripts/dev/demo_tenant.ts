import { join } from 'node:path'
import { eq } from 'drizzle-orm'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import type { Env } from '../../src/config.ts'
import { retentionDaysDefault } from '../../src/core/limits.ts'
import type { Role } from '../../src/core/permissions.ts'
import type { LogSettings } from '../../src/core/settings.ts'
import type { BaseCtx } from '../../src/db/context.ts'
import { users } from '../../src/db/schema.ts'
import { createApiKey } from '../../src/features/api-keys/create.ts'
import { createMember, createUserWithOrganization } from '../../src/features/auth/create_user.ts'
import { hashPassword } from '../../src/features/auth/password.ts'
import { createBase } from '../../src/http/context.ts'
import { removeAccountOf } from './remove_account.ts'
import { readDevSecrets } from './secrets.ts'
import { stateDir } from './settings.ts'
import { CommandError } from './terminal.ts'
import { databaseIdOf, readWranglerConfig } from './wrangler_config.ts'

export const demoPassword = 'demo123'
export const demoEmail = (name: string) => `${name}@demo.edgelog.dev`

const demoUsers: readonly { name: string; role: Role }[] = [
  { name: 'admin', role: 'owner' },
  { name: 'developer', role: 'admin' },
  { name: 'analyst', role: 'viewer' },
  { name: 'operator', role: 'member' },
  { name: 'tester', role: 'viewer' },
]

export const demoUserNames = demoUsers.map((user) => user.name)

export interface DemoChange {
  /** New users; 0 when all were there. */
  users: number
  /** A new key, when the tenant is new. */
  apiKey?: string
}

/**
 * Makes the demo tenant and its users when they are missing, in the local D1 directly: their password is shorter than
 * the API would take. `userCount` counts all users of the tenant, `clear` removes it first.
 */
export async function ensureDemoTenant(options: { userCount?: number; clear?: boolean; needKey: boolean }): Promise<DemoChange> {
  await refuseProduction()
  return withLocalContext(async (ctx) => {
    if (options.clear) await removeAccountOf(ctx, demoEmail('admin'))
    const hash = await hashPassword(demoPassword)
    const owner = { email: demoEmail('admin'), name: 'Demo admin', passwordHash: hash, emailVerifiedAt: ctx.now() }
    const { created, known } = await createUserWithOrganization(ctx, { ...owner, organizationName: 'Demo' })
    const userId = created?.userId ?? known?.userId ?? ''
    const [tenant] = await ctx.db
      .select({ organizationId: users.defaultOrganizationId, accountId: users.accountId })
      .from(users)
      .where(eq(users.id, userId))
    if (!tenant || tenant.organizationId === null) throw new Error('the demo administrator has no organization')
    const { organizationId, accountId } = { ...tenant, organizationId: tenant.organizationId }
    const made = await addMembers(ctx, { organizationId, accountId }, hash, options.userCount ?? demoUsers.length)
    const change: DemoChange = { users: made + (created ? 1 : 0) }
    if (!created && !options.needKey) return change
    const actor = { kind: 'user', userId, sessionId: '', roles: ['owner'] } as const
    const input = { name: 'Development', kind: 'admin', expires_at: null, rate_limit_per_minute: null } as const
    const { key } = await createApiKey({ ...ctx, actor, tenant: { organizationId, accountId, logSettings: settingsOfNew } }, input)
    return { ...change, apiKey: key }
  })
}

/** As the migrations set them. */
const settingsOfNew: LogSettings = {
  retentionDays: retentionDaysDefault,
  quota: { rowsPerMinute: null, bytesPerMinute: null, rowsPerMonth: null, bytesPerMonth: null },
  version: 0,
}

async function addMembers(
  ctx: BaseCtx,
  tenant: { organizationId: string; accountId: string },
  hash: string,
  count: number,
): Promise<number> {
  const rows = await ctx.db.select({ email: users.email }).from(users).where(eq(users.accountId, tenant.accountId))
  const present = new Set(rows.map((row) => row.email))
  let made = 0
  for (let i = 1; i < count; i += 1) {
    const { name, role } = demoUsers[i] ?? { name: `user${i + 1}`, role: 'viewer' }
    const email = demoEmail(name)
    if (present.has(email)) continue
    await createMember(ctx, tenant, { email, name: `Demo ${name}`, passwordHash: hash, emailVerifiedAt: ctx.now(), role })
    made += 1
  }
  return made
}

/** Rejects with a CommandError where the configuration or the shell says that this is production. */
export async function refuseProduction(): Promise<void> {
  const { vars } = await readWranglerConfig()
  const environments = [process.env['ENVIRONMENT'], readDevSecrets()['ENVIRONMENT'], vars['ENVIRONMENT']]
  if (!environments.includes('production')) return
  throw new CommandError(
    'ENVIRONMENT is production: demo users with a known password do not belong there.',
    'Seed a development machine instead.',
  )
}

/** Runs `work` on the local D1 as a verb of the service would see it. */
async function withLocalContext<T>(work: (ctx: BaseCtx) => Promise<T>): Promise<T> {
  const config = await readWranglerConfig()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: 'export default {}',
      d1Databases: { DB: databaseIdOf(config) },
      resourcePersistencePath: join(stateDir, 'v3'),
      cf: false,
    }),
  )
  try {
    const bindings = await miniflare.getBindings<{ DB: D1Database }>()
    const log = { add: () => undefined, warn: console.warn, error: console.error }
    // Verbs for people and keys use the database only; the other bindings belong to the running server.
    const env = { ...config.vars, ...readDevSecrets(), DB: bindings.DB } as unknown as Env
    return await work(createBase(env, { log, requestId: 'seed', clientAddress: '127.0.0.1', waitUntil: (promise) => void promise }))
  } finally {
    await miniflare.dispose()
  }
}
