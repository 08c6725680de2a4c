import type { ListedSegment, ShardManifest } from './check_manifest.ts'
import { checkListed, checkManifest } from './check_manifest.ts'
import type { SegmentService } from './service.ts'

/** The service goes on sealing and merging while it is looked at; so often a look is made anew. */
const looksMax = 5

export interface Verification {
  shards: number
  operations: number
  segments: number
  bytes: number
  rows: number
  /** Segments that were replaced between the list and the download: their successors are in the manifest now. */
  replaced: number
  problems: string[]
}

/** Checks chain, accounts and bytes of everything that is sealed; `progress` hears of each segment that was read. */
export async function verifySegments(
  service: SegmentService,
  progress: (done: number, total: number, bytes: number) => void,
): Promise<Verification> {
  const { manifests, listed, problems } = await look(service)
  const result: Verification = { shards: manifests.size, operations: 0, segments: 0, bytes: 0, rows: 0, replaced: 0, problems }
  for (const { operations } of manifests.values()) result.operations += operations.length
  const total = [...listed.values()].reduce((sum, segments) => sum + segments.length, 0)
  for (const [shard, segments] of listed) {
    for (const segment of segments) {
      const problem = await checkFile(service, segment, result)
      if (problem !== undefined) problems.push(`shard ${shard}: ${problem}`)
      progress(result.segments + result.replaced, total, result.bytes)
    }
  }
  return result
}

/** Manifest and list of one moment, with what is wrong with them. */
async function look(service: SegmentService) {
  for (let looks = 1; ; looks++) {
    const manifests = await service.manifests()
    const listed = await service.segments()
    // Nothing was sealed or merged meanwhile: what differs is wrong.
    if (looks === looksMax || sameEnds(manifests, await service.manifests()))
      return { manifests, listed, problems: compare(manifests, listed) }
  }
}

function compare(manifests: ReadonlyMap<number, ShardManifest>, listed: ReadonlyMap<number, ListedSegment[]>): string[] {
  const problems: string[] = []
  for (const [shard, manifest] of manifests) {
    const checked = checkManifest(manifest)
    const found = [...checked.problems, ...checkListed(checked.present, listed.get(shard) ?? [])]
    problems.push(...found.map((problem) => `shard ${shard}: ${problem}`))
  }
  for (const shard of listed.keys()) if (!manifests.has(shard)) problems.push(`shard ${shard}: it has segments, but no manifest`)
  return problems
}

function sameEnds(a: ReadonlyMap<number, ShardManifest>, b: ReadonlyMap<number, ShardManifest>): boolean {
  const ends = (manifests: ReadonlyMap<number, ShardManifest>) =>
    JSON.stringify([...manifests].map(([shard, { last }]) => [shard, last.hash]))
  return ends(a) === ends(b)
}

async function checkFile(service: SegmentService, segment: ListedSegment, result: Verification): Promise<string | undefined> {
  const file = await service.hashFile(segment.id)
  if ('missing' in file) {
    if (await wasReplaced(service, segment.key)) {
      result.replaced += 1
      return undefined
    }
    result.segments += 1
    return `${segment.key} is in the manifest, but cannot be read: ${file.missing}`
  }
  result.segments += 1
  result.bytes += file.bytes
  result.rows += segment.rows
  if (file.bytes !== segment.bytes) return `${segment.key} has ${file.bytes} bytes, not ${segment.bytes}: it was altered`
  if (file.sha256 !== segment.sha256)
    return `${segment.key} was altered: its SHA-256 is ${file.sha256}, the manifest says ${segment.sha256}`
  return undefined
}

async function wasReplaced(service: SegmentService, key: string): Promise<boolean> {
  return ![...(await service.segments()).values()].some((segments) => segments.some((segment) => segment.key === key))
}
