import { describe, expect, it } from 'vitest'
import { notificationSweepPerOrganizationMax } from '../../src/core/limits.ts'
import { alertNotifications } from '../../src/db/schema_alerts.ts'
import { sweepNotifications } from '../../src/jobs/notify/sweep.ts'
import { withJobs } from './control_world.ts'
import { notifyWorld, receiverOf } from './notify_world.ts'

describe('the sweep', () => {
  it('sends a lost notice on, and fails what is too old', async () => {
    const receiver = await receiverOf({})
    const { tell, rows, world } = await notifyWorld(receiver.url)
    await tell()
    const sweepAt = async (ms: number) => {
      const { ctx, notices } = withJobs()
      await sweepNotifications({ ...ctx, now: () => ms })
      return notices.filter(({ job }) => job.organization_id === world.organizationId)
    }
    expect(await sweepAt(Date.now())).toEqual([])
    expect(await sweepAt(Date.now() + 3 * 60 * 1000)).toHaveLength(1)
    expect(await rows()).toMatchObject([{ status: 'pending' }])
    expect(await sweepAt(Date.now() + 26 * 60 * 60 * 1000)).toEqual([])
    expect(await rows()).toMatchObject([{ status: 'failed', error: 'It could not be sent within a day.' }])
  })

  it('sends only so many of an organization on at a time, the longest due first', async () => {
    const { ctx, world, channelId } = await notifyWorld('http://127.0.0.1:9/')
    const { organizationId } = world
    const now = Date.now()
    const most = notificationSweepPerOrganizationMax
    const ruleIds = Array.from({ length: most + 2 }, () => ctx.newId())
    for (const [i, ruleId] of ruleIds.entries()) {
      const due = { nextAttemptAt: now - i * 1000, createdAt: now, updatedAt: now }
      const row = { organizationId, ruleId, channelId, kind: 'firing', status: 'pending', notice: {}, ...due } as const
      await ctx.db.insert(alertNotifications).values([
        { ...row, id: ctx.newId() },
        { ...row, id: ctx.newId() },
      ])
    }
    const { ctx: cron, notices } = withJobs()
    await sweepNotifications({ ...cron, now: () => now + 60_000 })
    const sent = notices.filter(({ job }) => job.organization_id === organizationId).map(({ job }) => job.rule_id)
    expect(sent).toEqual(ruleIds.slice(2).toReversed())
  })
})
