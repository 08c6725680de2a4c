import { env } from 'cloudflare:test'
import { and, asc, eq } from 'drizzle-orm'
import type { BaseCtx } from '../../src/db/context.ts'
import { alertHistory, alertNotifications, alertRules, notificationChannels } from '../../src/db/schema_alerts.ts'
import { storedAlertDefinition } from '../../src/features/alerts/definition.ts'
import type { AlertDefinition } from '../../src/features/alerts/definition.ts'
import type { Evaluate } from '../../src/jobs/alerts/round.ts'
import { row } from '../support/rows.ts'
import type { World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'
import { storeRows } from './log_store.ts'

/** A whole minute, the first of these tests; a rule of theirs evaluates the window that ends with it half a minute later. */
export const firstMs = Date.UTC(2026, 10, 22, 7, 10)
export const minuteMs = 60_000

/** A context at half a minute past the end of a window. */
export function afterWindow<C extends BaseCtx>(ctx: C, endMs: number): C {
  return { ...ctx, now: () => endMs + 30_000 }
}

/** A channel that mails to the owner. */
export async function addMailChannel({ organizationId, owner }: World): Promise<string> {
  const ctx = testCtx()
  const id = ctx.newId()
  const times = { createdAt: firstMs, updatedAt: firstMs }
  const config = { to: [owner.email] }
  await ctx.db
    .insert(notificationChannels)
    .values({ organizationId, id, name: 'Mail', kind: 'email', config, createdBy: owner.userId, ...times })
  return id
}

/** A rule with the given parts of its definition, and of its row. */
export async function addRule(
  { organizationId, owner }: World,
  given: Partial<AlertDefinition> & { threshold: number },
  columns: Partial<typeof alertRules.$inferInsert> = {},
): Promise<string> {
  const ctx = testCtx()
  const definition = storedAlertDefinition.parse(given)
  const id = ctx.newId()
  await ctx.db.insert(alertRules).values({
    organizationId,
    id,
    name: 'Errors',
    enabled: true,
    intervalSeconds: definition.interval_seconds,
    delaySeconds: definition.delay_seconds,
    version: 1,
    createdBy: owner.userId,
    createdAt: firstMs,
    updatedAt: firstMs,
    definition,
    ...columns,
  })
  return id
}

export async function ruleOf(world: World, id: string) {
  const [found] = await testCtx()
    .db.select()
    .from(alertRules)
    .where(and(eq(alertRules.organizationId, world.organizationId), eq(alertRules.id, id)))
  if (found === undefined) throw new Error('there is no such rule')
  return found
}

/** The lines of the history, oldest first. */
export async function historyOf(world: World, ruleId: string) {
  const ours = and(eq(alertHistory.organizationId, world.organizationId), eq(alertHistory.ruleId, ruleId))
  return testCtx().db.select().from(alertHistory).where(ours).orderBy(asc(alertHistory.at), asc(alertHistory.id))
}

export async function notificationsOf(world: World, ruleId: string) {
  const ours = and(eq(alertNotifications.organizationId, world.organizationId), eq(alertNotifications.ruleId, ruleId))
  return testCtx().db.select().from(alertNotifications).where(ours).orderBy(asc(alertNotifications.id))
}

/** Mails about alerts that wait for the world's owner. */
export async function alertMailsOf({ owner }: World): Promise<string[]> {
  const { results } = await env.DB.prepare(`SELECT id FROM mails WHERE kind = 'alert' AND recipient = ? ORDER BY id`)
    .bind(owner.email)
    .all<{ id: string }>()
  return results.map(({ id }) => id)
}

/** Stores logs of the minute that ends at `endMs`. */
export async function logsBefore(
  world: World,
  endMs: number,
  count: number,
  attributes: Record<string, string | number> = {},
): Promise<void> {
  await storeRows(
    world,
    Array.from({ length: count }, (_, i) => row({ timestampMs: endMs - 1000 - i, severity: 4, message: `boom ${i}`, attributes })),
  )
}

/** Values that a test says, in the place of what the logs hold. */
export function evaluates(value: (endMs: number) => number | null | Error): Evaluate {
  return async (_ctx, _definition, { toMs }) => {
    const said = value(toMs)
    if (said instanceof Error) throw said
    return { groups: [{ key: {}, value: said }], isWhole: true, truncated: false, bytes: 0 }
  }
}
