import * as z from 'zod'
import type { BaseCtx } from '../db/context.ts'
import type { CsvFile } from '../search/csv_of_logs.ts'

/** What a run found, as it lies in R2; without a key when it found nothing. */
export interface ReportFile extends Omit<CsvFile, 'bytes'> {
  key: string | null
  bytes: number
}

/**
 * The file of a run. The one that is there stays: mails with its length may be on their way, and another search may find other logs.
 * What its mails say of it is kept with it.
 */
export async function storedReportFile(ctx: Pick<BaseCtx, 'env'>, key: string, make: () => Promise<CsvFile>): Promise<ReportFile> {
  const before = await find(ctx, key)
  if (before !== undefined) return before
  const { bytes, ...about } = await make()
  if (about.rows === 0) return { ...about, key: null, bytes: 0 }
  const { rows, truncated, from, to } = about
  const put = await ctx.env.STORAGE.put(key, bytes, {
    onlyIf: { etagDoesNotMatch: '*' },
    customMetadata: { rows: String(rows), truncated: String(truncated), from, to },
    httpMetadata: { contentType: 'text/csv; charset=utf-8' },
  })
  if (put !== null) return { ...about, key, bytes: bytes.length }
  const other = await find(ctx, key)
  if (other === undefined) throw new Error('the file of a report came and went')
  return other
}

async function find({ env }: Pick<BaseCtx, 'env'>, key: string): Promise<ReportFile | undefined> {
  const object = await env.STORAGE.head(key)
  return object === null ? undefined : { ...aboutSchema.parse(object.customMetadata), key, bytes: object.size }
}

const aboutSchema = z.object({ rows: z.coerce.number(), truncated: z.stringbool(), from: z.string(), to: z.string() })
