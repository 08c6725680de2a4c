import { inject } from 'vitest'
import { and, eq } from 'drizzle-orm'
import type { BatchItem } from 'drizzle-orm/batch'
import type { AlertNotice } from '../../src/core/alerts.ts'
import { uuidv7 } from '../../src/core/ids.ts'
import type { TenantCtx } from '../../src/db/context.ts'
import { alertNotifications, notificationChannels } from '../../src/db/schema_alerts.ts'
import { createChannel } from '../../src/features/notification-channels/create.ts'
import { newNotifications } from '../../src/features/notification-channels/new_notifications.ts'
import { runNotify } from '../../src/jobs/notify/deliver.ts'
import type { Answer, Received } from '../support/receiver.ts'
import { noticeOf } from '../support/notices.ts'
import { createWorld } from '../support/world.ts'
import type { World } from '../support/world.ts'
import type { Queues } from './control_world.ts'
import { ownerWithJobs } from './control_world.ts'

/** A receiver of its own on the real server, told how to answer. */
export async function receiverOf(...answers: Answer[]) {
  const url = `${inject('receiverUrl')}/${crypto.randomUUID()}`
  await (await fetch(url, { method: 'PUT', body: JSON.stringify(answers) })).text()
  const look = async () => (await fetch(url)).json<{ received: Received[]; endedEarly: number }>()
  return { url, look, received: async () => (await look()).received }
}

export interface NotifyWorld extends Queues {
  world: World
  ctx: TenantCtx
  ruleId: string
  channelId: string
  secret: string
  /** Writes a notice as an evaluation does. */
  tell(change?: Partial<AlertNotice>): Promise<AlertNotice>
  /** Delivers what waits, at a time of the caller's clock. */
  run(ctx?: TenantCtx): Promise<void>
  rows(): Promise<(typeof alertNotifications.$inferSelect)[]>
  channel(): Promise<typeof notificationChannels.$inferSelect>
}

/** What the batch of an act writes. */
export async function writeAll({ db }: Pick<TenantCtx, 'db'>, statements: readonly BatchItem<'sqlite'>[]): Promise<void> {
  const [first, ...others] = statements
  if (first !== undefined) await db.batch([first, ...others])
}

/** An organization with one channel, and a rule that tells it. */
export async function notifyWorld(url: string, kind: 'webhook' | 'slack' = 'webhook'): Promise<NotifyWorld> {
  const world = await createWorld()
  const { ctx, ...queues } = ownerWithJobs(world)
  const { row, secret } = await createChannel(ctx, { name: 'Pager', kind, url })
  const [ruleId, channelId] = [uuidv7(Date.now()), row.id]
  const job = { kind: 'notify', organization_id: world.organizationId, rule_id: ruleId, channel_id: channelId } as const
  const own = and(eq(alertNotifications.organizationId, world.organizationId), eq(alertNotifications.ruleId, ruleId))
  return {
    world,
    ctx,
    ...queues,
    ruleId,
    channelId,
    secret: secret ?? '',
    async tell(change = {}) {
      const notice = noticeOf(change)
      const { statements } = await newNotifications(ctx, { ruleId, notice, channelIds: [channelId] })
      await writeAll(ctx, statements)
      return notice
    },
    run: (at = ctx) => runNotify(at, job),
    rows: () => ctx.db.select().from(alertNotifications).where(own).orderBy(alertNotifications.id),
    async channel() {
      const [found] = await ctx.db.select().from(notificationChannels).where(eq(notificationChannels.id, channelId))
      if (found === undefined) throw new Error('the channel is gone')
      return found
    },
  }
}
