import type { TenantCtx } from '../../src/db/context.ts'
import type { Panel } from '../../src/features/dashboards/dashboard.ts'
import { accessRows } from '../support/rows.ts'
import { plainLogSettings } from '../support/usage.ts'
import type { World } from '../support/world.ts'
import { testCtx } from '../support/world.ts'
import { ask } from './content_world.ts'

/* What tests of the data of dashboards share: known logs, and ways to ask. */

export const dashboardsPath = '/api/v1/dashboards'

export const rows = accessRows(1500)
export const startMs = rows[0]!.timestampMs
export const endMs = rows.at(-1)!.timestampMs + 1
export const range = { from: new Date(startMs).toISOString(), to: new Date(endMs).toISOString() }
export const inRange = new URLSearchParams(range).toString()
export const place = (i: number) => ({ x: (i % 3) * 4, y: Math.floor(i / 3) * 4, w: 4, h: 4 })

export interface Data {
  dashboard_id: string
  updated_at: string
  from: string
  to: string
  generated_at: string
  panels: {
    id: string
    kind: string
    status: string
    data: unknown
    error: { code: string; detail: string } | null
    damaged?: unknown[]
    stats: { shards: number } | null
  }[]
}

export async function makeDashboard(world: World, definition: object): Promise<string> {
  const { status, body } = await ask<{ id: string }>(world, 'POST', dashboardsPath, { json: { name: 'Shop', definition } })
  if (status !== 201) throw new Error(`no dashboard: ${status} ${JSON.stringify(body)}`)
  return body.id
}

/** A verb's context of the world's owner; its clock stands until the test moves it. */
export function ownerCtx({ organizationId, accountId, owner }: World, more: Partial<TenantCtx> = {}) {
  const clock = { ms: Date.now() }
  const ctx: TenantCtx = {
    ...testCtx(),
    now: () => clock.ms,
    actor: { kind: 'user', userId: owner.userId, sessionId: 's', roles: ['owner'] },
    tenant: { organizationId, accountId, logSettings: plainLogSettings },
    ...more,
  }
  return { ctx, clock }
}

export const definitionOf = (some: readonly object[]) => ({ description: '', from: 'now-1h', to: 'now', panels: some as Panel[] })
export const count: Panel = { id: 'count', kind: 'number', title: 'Count', q: '', stats: 'count()', layout: place(0) }
export const valueOf = (data: { panels: readonly { data?: unknown }[] }) => (data.panels[0]!.data as { value: number }).value
