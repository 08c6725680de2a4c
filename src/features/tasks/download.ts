import { and, eq, gt, isNull, lte, or, sql } from 'drizzle-orm'
import type { SQL } from 'drizzle-orm'
import { parseRangeHeader } from '../../core/byte_range.ts'
import { downloadAuditedEveryMs } from '../../core/limits.ts'
import { problem } from '../../core/problems.ts'
import { streamParts } from '../../core/stream_parts.ts'
import { taskKinds, taskRules } from '../../core/tasks.ts'
import { personMay, personMayInAccount } from '../../db/actor_may.ts'
import { auditStatement } from '../../db/audit.ts'
import type { BaseCtx } from '../../db/context.ts'
import { accounts, apiKeys, organizations, tasks } from '../../db/schema.ts'
import { inTenant } from '../../db/tenant.ts'
import { hasFile, openLink } from './download_link.ts'
import type { LinkClaims } from './download_link.ts'
import { fileState } from './file_state.ts'
import { partKey } from './files.ts'

export interface Download {
  status: 200 | 206
  headers: Record<string, string>
  body: ReadableStream<Uint8Array>
}

/**
 * The file that a link names, all its parts as one, or one range of it. Throws `not_found` alike for whatever keeps it from being
 * given: a token that is not ours, changed or over; a task that is gone, revoked or without its files; a deleted organization; a
 * giver who has lost the right to read it.
 */
export async function openDownload(ctx: BaseCtx, token: string, rangeHeader: string | undefined): Promise<Download> {
  const claims = openLink(ctx, token)
  const row = claims && (await findTask(ctx, claims))
  if (claims === undefined || row === undefined || !hasFile(row))
    throw problem('not_found', 'There is nothing to download here, or not any more.')
  const { content_type: contentType, file_name: fileName, sizes } = fileState.parse(row.state)
  const size = sizes.reduce((sum, bytes) => sum + bytes, 0)
  const range = parseRangeHeader(rangeHeader, size)
  await auditDownload(ctx, row, claims)
  const { start, end } = range ?? { start: 0, end: size }
  const parts = partsBetween(ctx, row, sizes, start, end)
  const body = await streamParts(ctx.log, 'download', parts)
  return {
    status: range === undefined ? 200 : 206,
    headers: {
      'Content-Type': contentType,
      'Content-Disposition': `attachment; filename="${fileName}"`,
      'Content-Length': String(end - start),
      'Accept-Ranges': 'bytes',
      // The parts of a finished task never change.
      ETag: `"${row.id}"`,
      ...(range && { 'Content-Range': `bytes ${start}-${end - 1}/${size}` }),
    },
    // Only of such a stream the runtime tells the length.
    body: body.pipeThrough(new FixedLengthStream(end - start)),
  }
}

/** The bytes from `start` to `end` of the parts one behind the other; each object is read as the receiver takes it. */
async function* partsBetween(
  { env }: BaseCtx,
  { organizationId, id }: { organizationId: string; id: string },
  sizes: readonly number[],
  start: number,
  end: number,
): AsyncGenerator<Uint8Array, void> {
  let at = 0
  for (const [n, bytes] of sizes.entries()) {
    const [from, to] = [Math.max(start - at, 0), Math.min(end - at, bytes)]
    at += bytes
    if (from >= to) continue
    const object = await env.STORAGE.get(partKey(organizationId, id, n), { range: { offset: from, length: to - from } })
    if (object === null) throw new Error(`part ${n} of a file is gone`)
    for await (const chunk of object.body as ReadableStream<Uint8Array>) yield chunk
  }
}

type TaskWithFile = NonNullable<Awaited<ReturnType<typeof findTask>>>

/** Tells that the file left, once an hour at most: ranges and retries of one download are not the point, nor is a flood of them. */
async function auditDownload(ctx: BaseCtx, { organizationId, id, kind, downloadedAt }: TaskWithFile, { by }: LinkClaims): Promise<void> {
  const before = ctx.now() - downloadAuditedEveryMs
  if (downloadedAt !== null && downloadedAt > before) return
  const lately = or(isNull(tasks.downloadedAt), lte(tasks.downloadedAt, before))
  const where = inTenant({ tenant: { organizationId } }, tasks, eq(tasks.id, id), lately)
  // Nobody is signed in: a link is for whoever has it.
  const origin = { organizationId, actor: { kind: 'system', id: null } } as const
  const entry = { action: 'task.download', target: { kind: 'task', id }, details: { kind, link_of: by.id } }
  await ctx.db.batch([
    auditStatement(ctx, origin, entry, sql`from ${tasks} where ${where}`),
    ctx.db.update(tasks).set({ downloadedAt: ctx.now() }).where(where),
  ])
}

async function findTask(ctx: BaseCtx, { organizationId, taskId, by }: LinkClaims) {
  const [row] = await ctx.db
    .select({
      organizationId: tasks.organizationId,
      id: tasks.id,
      kind: tasks.kind,
      status: tasks.status,
      state: tasks.state,
      downloadedAt: tasks.downloadedAt,
    })
    .from(tasks)
    .innerJoin(organizations, and(eq(organizations.id, tasks.organizationId), isNull(organizations.deletedAt)))
    .innerJoin(accounts, and(eq(accounts.id, organizations.accountId), isNull(accounts.deletedAt)))
    .where(inTenant({ tenant: { organizationId } }, tasks, eq(tasks.id, taskId), gt(tasks.filesUntil, ctx.now()), giverStillMay(ctx, by)))
  return row
}

/** Whether who gave the link could give it now, by the kind of the task around it. */
function giverStillMay({ now }: Pick<BaseCtx, 'now'>, { kind, id }: LinkClaims['by']): SQL | undefined {
  const person = { userId: id, organizationId: tasks.organizationId, accountId: organizations.accountId }
  const rights = taskKinds.map((taskKind) => {
    const { needs, files } = taskRules[taskKind]
    if (files?.kind !== 'file' || needs === null) return undefined
    if (needs === 'account_admin')
      return kind === 'user' ? and(eq(tasks.kind, taskKind), personMayInAccount('account:audit', person)) : undefined
    if (kind === 'user') return and(eq(tasks.kind, taskKind), personMay(needs, person))
    const scoped = sql`exists (select 1 from json_each(${apiKeys.scopes}) where value = ${needs})`
    const lives = and(isNull(apiKeys.revokedAt), or(isNull(apiKeys.expiresAt), gt(apiKeys.expiresAt, now())))
    const ofKey = and(eq(apiKeys.organizationId, tasks.organizationId), eq(apiKeys.id, id), lives, scoped)
    return and(eq(tasks.kind, taskKind), sql`exists (select 1 from ${apiKeys} where ${ofKey})`)
  })
  return or(...rights)
}
