import { createHash } from 'node:crypto'
import * as z from 'zod'
import type { ManifestOperation } from '../../src/objects/log-shard/protocol_storage.ts'
import type { Connection } from '../dev/settings.ts'
import { CommandError, reasonOf } from '../dev/terminal.ts'
import type { ListedSegment, ShardManifest } from './check_manifest.ts'

const chain = z.object({ number: z.number(), hash: z.string() })
const place = { shard: z.number(), region: z.string() }

const operationsSchema = z.object({
  results: z.array(z.object({ ...place, operation: z.looseObject({ number: z.number() }) })),
  shards: z.array(z.object({ ...place, last: chain, anchor: chain })),
  next: z.string().nullable(),
})

const segmentsSchema = z.object({
  results: z.array(
    z.object({
      ...place,
      segment: z.object({ id: z.string(), key: z.string(), rows: z.number(), bytes: z.number(), sha256: z.string() }),
    }),
  ),
  next: z.string().nullable(),
})

/** What the verifier asks of a deployment. */
export interface SegmentService {
  manifests(): Promise<Map<number, ShardManifest>>
  segments(): Promise<Map<number, ListedSegment[]>>
  /** Size and hexadecimal SHA-256 of a segment's bytes, as they come; null when there is no such segment. */
  hashFile(id: string): Promise<{ bytes: number; sha256: string } | { missing: string }>
}

export function connectService({ url, apiKey }: Connection): SegmentService {
  const get = async (path: string) => {
    try {
      return await fetch(`${url}/api/v1/logs/segments${path}`, { headers: { Authorization: `Bearer ${apiKey}` } })
    } catch (error) {
      throw new CommandError(`Edgelog at ${url} cannot be asked: ${reasonOf(error)}`, 'Start it or check --url.')
    }
  }

  async function* pages<S extends z.ZodType<{ next: string | null }>>(path: string, schema: S): AsyncGenerator<z.output<S>> {
    let cursor: string | null = ''
    do {
      const response = await get(cursor === '' ? path : `${path}?cursor=${encodeURIComponent(cursor)}`)
      if (!response.ok) throw await refusal(response)
      const page: z.output<S> = schema.parse(await response.json())
      yield page
      cursor = page.next
    } while (cursor !== null)
  }

  return {
    async manifests() {
      const manifests = new Map<number, ShardManifest>()
      for await (const { results, shards } of pages('/operations', operationsSchema)) {
        for (const { shard, ...rest } of shards) manifests.set(shard, { operations: [], ...manifests.get(shard), shard, ...rest })
        // The hash of an operation is over exactly what the service sent.
        for (const { shard, operation } of results) manifests.get(shard)?.operations.push(operation as unknown as ManifestOperation)
      }
      return manifests
    },

    async segments() {
      const segments = new Map<number, ListedSegment[]>()
      for await (const { results } of pages('', segmentsSchema)) {
        for (const { shard, segment } of results) segments.set(shard, [...(segments.get(shard) ?? []), segment])
      }
      return segments
    },

    async hashFile(id) {
      const response = await get(`/${encodeURIComponent(id)}/file`)
      if (response.status === 404 || response.status === 503) return { missing: (await refusal(response)).message }
      if (!response.ok || response.body === null) throw await refusal(response)
      const hash = createHash('sha256')
      let bytes = 0
      try {
        for await (const part of response.body as AsyncIterable<Uint8Array>) {
          hash.update(part)
          bytes += part.length
        }
      } catch (error) {
        throw new CommandError(`Segment ${id} was not sent to its end: ${reasonOf(error)}`, 'Run the command again.')
      }
      return { bytes, sha256: hash.digest('hex') }
    },
  }
}

async function refusal(response: Response): Promise<CommandError> {
  const text = await response.text()
  const detail = /"detail":"((?:[^"\\]|\\.)*)"/.exec(text)?.[1] ?? (text.slice(0, 200) || response.statusText)
  return new CommandError(
    `The server answered ${response.status}: ${detail}`,
    'Check --url and --key; the key needs the scope logs:segments.',
  )
}
