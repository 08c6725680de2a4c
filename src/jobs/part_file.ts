import * as z from 'zod'
import type { BaseCtx } from '../db/context.ts'

/** Where in a listing of logs a file ends. */
export const positionSchema = z.object({ ms: z.number(), ns: z.number(), shard: z.number(), seq: z.number() })

/** What an object says of itself: rows in it, parts of segments that could not be read, and where the next one begins. */
export interface PartEnd<P> {
  rows: number
  damaged: number
  /** Null after the last one. */
  after: P | null
}

export interface NewPart<P> {
  /** Null when there is nothing to be written yet. */
  file: { body: Uint8Array; contentType: string } | null
  end: PartEnd<P>
}

/**
 * Writes one object of a task, unless it is there: a step that runs twice, even at once, then goes on from the object that is there
 * and not from its own, so that all objects together have neither gap nor repeat.
 */
export async function writeOnce<P>(
  ctx: Pick<BaseCtx, 'env'>,
  key: string,
  place: z.ZodType<P>,
  make: () => Promise<NewPart<P>>,
): Promise<{ end: PartEnd<P>; bytes: number }> {
  const before = await findPart(ctx, key, place)
  if (before !== undefined) return before
  const { file, end } = await make()
  if (file === null) return { end, bytes: 0 }
  const put = await ctx.env.STORAGE.put(key, file.body, {
    onlyIf: { etagDoesNotMatch: '*' },
    customMetadata: { rows: String(end.rows), damaged: String(end.damaged), after: JSON.stringify(end.after) },
    httpMetadata: { contentType: file.contentType },
  })
  if (put !== null) return { end, bytes: file.body.length }
  const other = await findPart(ctx, key, place)
  if (other === undefined) throw new Error('an object of a task came and went')
  return other
}

async function findPart<P>({ env }: Pick<BaseCtx, 'env'>, key: string, place: z.ZodType<P>) {
  const object = await env.STORAGE.head(key)
  if (object === null) return undefined
  const { rows, damaged, after } = partSchema.parse(object.customMetadata)
  const end: PartEnd<P> = { rows, damaged, after: place.nullable().parse(JSON.parse(after)) }
  return { end, bytes: object.size }
}

const partSchema = z.object({ rows: z.coerce.number(), damaged: z.coerce.number(), after: z.string() })
