import { describe, expect, test } from 'vitest'
import { append, batch, identity, runAlarms, startMs, visible, world } from './shard_world.ts'

const messages = ({ message }: { message: string }) => message

describe('sealing', () => {
  test('moves hot rows into a segment when the oldest is old enough, and a query sees each of them once', async () => {
    const here = world()
    const { core, clock, alarm, objects } = here
    append(core, batch(['a', 'b']))
    append(core, batch(['c']))
    expect(alarm.atMs).toBe(startMs + 300_000)
    await runAlarms(here, core, startMs + 300_000)
    expect(core.segments(identity)).toMatchObject({ sealedSeq: 3, lastSeq: 3, hot: { blocks: 0, rows: 0, bytes: 0 } })
    expect([...objects.objects.keys()]).toEqual([expect.stringMatching(/^org\/org\/weur\/2026\/11\/22\/0-1-3-1-[0-9a-f]{16}\.seg$/)])
    for (const shard of [core, here.open()]) expect(visible(here, shard).map(messages)).toEqual(['a', 'b', 'c'])
    expect(clock.nowMs).toBe(startMs + 300_000)
  })
})
