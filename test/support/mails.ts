import { and, eq } from 'drizzle-orm'
import type { MailKind, MailParams } from '../../src/core/mails.ts'
import { mailParamsOf } from '../../src/db/mails.ts'
import { mails } from '../../src/db/schema_content.ts'
import { testCtx } from './world.ts'

/** What the mails of this kind to an address say, the oldest first. */
export async function mailsTo<K extends MailKind>(to: string, kind: K): Promise<MailParams<K>[]> {
  const ctx = testCtx()
  const rows = await ctx.db
    .select()
    .from(mails)
    .where(and(eq(mails.recipient, to), eq(mails.kind, kind)))
    .orderBy(mails.id)
  return rows.map((row) => mailParamsOf(ctx, row) as MailParams<K>)
}
