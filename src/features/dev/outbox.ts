import { count, desc, eq } from 'drizzle-orm'
import type * as z from 'zod'
import { outboxKey } from '../../core/mails.ts'
import { problem } from '../../core/problems.ts'
import type { BaseCtx } from '../../db/context.ts'
import { mails } from '../../db/schema_content.ts'
import { refuseElsewhere } from './local_only.ts'
import { mimePart } from './mime_part.ts'
import type { OutboxMailJson, outboxQuery } from './schema.ts'

/* The mails of every tenant, for a machine on which nobody delivers them. They hold tokens. */

/** One page of the mails, the newest first, those that wait for their delivery included. */
export async function listOutbox(
  ctx: BaseCtx,
  requestUrl: string,
  { page, page_size: pageSize, to }: z.output<typeof outboxQuery>,
): Promise<{ count: number; results: OutboxMailJson[] }> {
  refuseElsewhere(ctx, requestUrl)
  const where = to === undefined ? undefined : eq(mails.recipient, to)
  const [[total], rows] = await ctx.db.batch([
    ctx.db.select({ count: count() }).from(mails).where(where),
    ctx.db
      .select()
      .from(mails)
      .where(where)
      .orderBy(desc(mails.id))
      .limit(pageSize)
      .offset((page - 1) * pageSize),
  ])
  const results = rows.map(({ id, kind, recipient, status, error, createdAt }) => {
    return { id, kind, to: recipient, status, error, created_at: new Date(createdAt).toISOString() }
  })
  return { count: total?.count ?? 0, results }
}

/** A delivered mail as it stands in the outbox (RFC 5322). */
export async function readOutboxMail(ctx: BaseCtx, requestUrl: string, id: string): Promise<ReadableStream<Uint8Array>> {
  return (await objectOf(ctx, requestUrl, id)).body
}

/** The document in a delivered mail. */
export async function readOutboxHtml(ctx: BaseCtx, requestUrl: string, id: string): Promise<string> {
  const document = mimePart(await (await objectOf(ctx, requestUrl, id)).text(), 'text/html')
  if (document === undefined) throw problem('not_found', 'The mail has no document, only text.')
  return document
}

async function objectOf(ctx: BaseCtx, requestUrl: string, id: string): Promise<R2ObjectBody> {
  refuseElsewhere(ctx, requestUrl)
  const [row] = await ctx.db.select({ id: mails.id, ownerId: mails.ownerId }).from(mails).where(eq(mails.id, id))
  const object = row && (await ctx.env.STORAGE.get(outboxKey(row)))
  if (!object) throw problem('not_found', 'The outbox has no such mail, or not yet.')
  return object
}
