import { parseRangeHeader } from '../../core/byte_range.ts'
import { problem } from '../../core/problems.ts'
import { keepFromMs } from '../../core/settings.ts'
import type { TenantCtx } from '../../db/context.ts'
import { segmentKey, storageOf } from './segments.ts'
import { shardsOf } from '../shards.ts'

export interface SegmentFile {
  body: ReadableStream
  status: 200 | 206
  headers: Record<string, string>
}

/**
 * The bytes of one present segment of the caller's organization, or of one range of it. Throws `not_found` for any other id, as
 * the key is made under the caller's own organization, and its shard must name it; and `conflict` while logs in it are being erased.
 */
export async function readSegmentFile(ctx: TenantCtx, id: string, rangeHeader: string | undefined): Promise<SegmentFile> {
  const { key, shard: number } = segmentKey(ctx.tenant.organizationId, id)
  const shard = (await shardsOf(ctx)).find(({ identity }) => identity.shard === number)
  const state = shard === undefined ? undefined : await storageOf(ctx, shard)
  const meta = state?.segments.find((segment) => segment.key === key)
  // What has expired is not shown, though it may not be removed yet.
  if (meta === undefined || meta.maxCreatedMs < keepFromMs(ctx.tenant.logSettings, ctx.now()))
    throw problem('not_found', 'No such segment.')
  if (state?.erasing.includes(key) === true) throw problem('conflict', 'An erasure may still remove logs from this segment.')
  const range = parseRangeHeader(rangeHeader, meta.bytes)
  const object = await ctx.env.STORAGE.get(key, range && { range: { offset: range.start, length: range.end - range.start } })
  if (object === null) throw problem('damaged_block', 'The object storage has lost this segment.')
  const headers = {
    'Content-Type': 'application/octet-stream',
    'Content-Disposition': `attachment; filename="${id}.seg"`,
    'Accept-Ranges': 'bytes',
    ETag: `"${meta.sha256}"`,
  }
  const length = (bytes: number) => ({ 'Content-Length': String(bytes) })
  if (range === undefined) return { body: object.body, status: 200, headers: { ...headers, ...length(meta.bytes) } }
  const contentRange = `bytes ${range.start}-${range.end - 1}/${meta.bytes}`
  return { body: object.body, status: 206, headers: { ...headers, ...length(range.end - range.start), 'Content-Range': contentRange } }
}
