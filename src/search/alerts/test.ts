import { eq } from 'drizzle-orm'
import type { AlertGroupState } from '../../core/alerts.ts'
import { ProblemError, problem } from '../../core/problems.ts'
import { formatTimestamp } from '../../core/time.ts'
import { logsUrl } from '../../core/links.ts'
import { requirePermission } from '../../db/actor_may.ts'
import type { TenantCtx } from '../../db/context.ts'
import { organizations } from '../../db/schema.ts'
import type { AlertDefinition } from '../../features/alerts/definition.ts'
import { conditionText, dueWindowEndMs } from '../../features/alerts/definition.ts'
import { findRule } from '../../features/alerts/rule.ts'
import type { RuleRow } from '../../features/alerts/rule.ts'
import { testChannel } from '../../features/notification-channels/test_channel.ts'
import { evaluateRule, shownGroups } from './evaluate.ts'
import type { RuleValues } from './evaluate.ts'
import { isBeyond } from './groups.ts'
import type { GroupValue } from './groups.ts'
import { newNotice, queryOfGroups } from './notice.ts'
import type { AlertTest } from './schema.ts'
import { windowOf } from './windows.ts'

type Window = ReturnType<typeof windowOf>

/**
 * Evaluates a rule now, without a change of where it stands; with `notify` its channels get a notice of the kind `test`, and what each
 * of them answered is told. What the query fails of is part of the answer.
 */
export async function testAlert(ctx: TenantCtx, { id, notify }: { id: string; notify: boolean }): Promise<AlertTest> {
  requirePermission(ctx, 'logs:read', 'Showing what the rule finds')
  const rule = await findRule(ctx, id)
  const { definition } = rule
  const window = windowOf(definition, dueWindowEndMs(definition, ctx.now()))
  const { values, error } = await tryRule(ctx, definition, window)
  const groups = shownGroups(values)
  const from = formatTimestamp(window.fromMs, 0)
  const to = formatTimestamp(window.toMs, 0)
  const { organizationId } = ctx.tenant
  return {
    condition: conditionText(definition),
    from,
    to,
    groups: groups.map(({ key, value }) => ({
      group: key,
      value,
      beyond_threshold: isOver(definition, value),
      logs_url: logsUrl(ctx.config.publicUrl, { organizationId, q: queryOfGroups(definition.q, [key]), from, to }),
    })),
    groups_truncated: values.truncated || values.groups.length > groups.length,
    complete: values.isWhole,
    error,
    channels: notify ? await testChannels(ctx, rule, window, groups) : null,
  }
}

async function tryRule(ctx: TenantCtx, definition: AlertDefinition, window: Window): Promise<{ values: RuleValues; error: string | null }> {
  try {
    return { values: await evaluateRule(ctx, definition, window), error: null }
  } catch (error) {
    // Trouble that passes is a 503, as for every search.
    if (!(error instanceof ProblemError) || error.code === 'unavailable') throw error
    return { values: { groups: [], isWhole: false, truncated: false, bytes: 0 }, error: error.detail }
  }
}

function isOver({ operator, threshold }: AlertDefinition, value: number | null): boolean {
  return value !== null && isBeyond(value, operator, threshold)
}

async function testChannels(
  ctx: TenantCtx,
  { id, name, definition }: RuleRow,
  window: Window,
  values: readonly GroupValue[],
): Promise<AlertTest['channels']> {
  const { organizationId } = ctx.tenant
  const [organization] = await ctx.db.select({ name: organizations.name }).from(organizations).where(eq(organizations.id, organizationId))
  if (organization === undefined) throw problem('not_found', 'There is no such organization.')
  const groups = values.map(({ key, value }): AlertGroupState => {
    const state = isOver(definition, value) ? 'firing' : 'inactive'
    return { key, state, value, since_ms: window.toMs, seen_ms: window.toMs, told: 'none', told_ms: null }
  })
  const of = { organizationName: organization.name, rule: { id, name, definition }, kind: 'test' as const, groups, error: null, window }
  const notice = await newNotice(ctx, of)
  const answers: NonNullable<AlertTest['channels']> = []
  for (const channel of definition.channel_ids) answers.push({ channel_id: channel, ...(await testChannel(ctx, channel, notice)) })
  return answers
}
