import { describe, expect, it } from 'vitest'
import { createCostMeter, createRunCosts } from '../../../src/core/cost_meter.ts'
import { createObjectCosts } from '../../../src/core/object_costs.ts'
import { addReport } from '../../../src/core/costs.ts'
import type { CostReport } from '../../../src/core/costs.ts'
import { meterFlushMs } from '../../../src/core/limits.ts'
import { createMeterCore } from '../../../src/objects/meter/core.ts'
import { nodeSql } from '../shard/node_sql.ts'

describe('the costs of one run', () => {
  it('go to the meter under its name, those that come after its end too', async () => {
    const meter = createCostMeter()
    const costs = createRunCosts(meter)
    costs.count('d1_rows_read', 3)
    costs.count('d1_rows_read', 4)
    costs.assign('logs.search')
    costs.count('r2_class_b')
    const sent: CostReport[] = []
    await meter.flush(0, async (report) => void sent.push(report))
    expect(costs.counts).toEqual({ d1_rows_read: 7, r2_class_b: 1 })
    expect(sent).toEqual([{ 'logs.search': { d1_rows_read: 7, r2_class_b: 1 }, 'meter.report': { do_requests: 1 } }])
  })
})

describe('the meter of an isolate', () => {
  it('reports at once, then once in a while, and nothing when there is nothing', async () => {
    const meter = createCostMeter()
    const sent: CostReport[] = []
    const flush = (nowMs: number) => meter.flush(nowMs, async (report) => void sent.push(report))
    await flush(1000)
    expect(sent).toEqual([])
    meter.add('a', { kv_reads: 1 })
    await flush(1001)
    meter.add('a', { kv_reads: 2 })
    await flush(1001 + meterFlushMs - 1)
    expect(sent).toHaveLength(1)
    await flush(1001 + meterFlushMs)
    expect(sent.map((report) => report['a'])).toEqual([{ kv_reads: 1 }, { kv_reads: 2 }])
  })

  it('reports earlier when much is waiting, so that a burst is not lost with an object that then ends', async () => {
    const meter = createCostMeter()
    const sent: CostReport[] = []
    const flush = () => meter.flush(1000, async (report) => void sent.push(report))
    meter.add('shard.append', { do_rows_written: 1 })
    await flush()
    for (let i = 0; i < 450; i++) {
      meter.add('shard.append', { do_rows_written: 1 })
      await flush()
    }
    expect(sent).toHaveLength(3)
    // 200 row writes cost $0.0002, but for the rounding of sums.
    expect(Math.max(...sent.map((report) => report['shard.append']?.do_rows_written ?? 0))).toBeLessThanOrEqual(201)
  })

  it('keeps for the next report what one could not bring', async () => {
    const meter = createCostMeter()
    meter.add('a', { kv_reads: 1 })
    await expect(meter.flush(0, () => Promise.reject(new Error('away')))).rejects.toThrow('away')
    meter.add('a', { kv_reads: 5 })
    let sent: CostReport = {}
    await meter.flush(meterFlushMs, async (report) => void (sent = report))
    expect(sent['a']).toEqual({ kv_reads: 6 })
  })

  it('adds up operations beyond its limit under one name', () => {
    const total: CostReport = { a: { kv_reads: 1 } }
    addReport(total, { b: { kv_reads: 2 }, c: { kv_reads: 3 }, a: { kv_reads: 4 }, d: { kv_reads: 5 } }, 2)
    expect(total).toEqual({ a: { kv_reads: 5 }, b: { kv_reads: 2 }, other: { kv_reads: 8 } })
  })
})

describe('the object that adds up', () => {
  const held = { rows: 10, hotBytes: 20, segments: 1, segmentBytes: 30 }

  it('knows all reports after a restart, and what each shard said last', () => {
    const sql = nodeSql().all
    const first = createMeterCore(sql, () => 7000)
    first.report({ 'logs.create': { do_requests: 2, logs_stored: 100 } }, { name: 'x', totals: held })
    first.report({ 'logs.create': { do_requests: 1 } }, { name: 'x', totals: { ...held, rows: 12 } })
    first.report({ 'logs.search': { kv_reads: 1 } }, { name: 'y', totals: held })
    const totals = createMeterCore(sql, () => 9000).totals()
    expect(totals.sinceMs).toBe(7000)
    expect(totals.operations).toEqual({
      'logs.create': { do_requests: 3, logs_stored: 100 },
      'logs.search': { kv_reads: 1 },
      'meter.report': { do_rows_written: 6 },
      'meter.totals': { do_rows_read: 2 },
    })
    expect(totals.stored).toEqual({ shards: 2, rows: 22, hotBytes: 40, segments: 2, segmentBytes: 60 })
  })

  it.each([{ a: { gold: 1 } }, { a: { kv_reads: -1 } }, { a: { kv_reads: Number.NaN } }])(
    'refuses a report that is nonsense: %j',
    (report) => {
      const core = createMeterCore(nodeSql().all, () => 0)
      expect(() => core.report(report as CostReport)).toThrow('no cost')
      expect(core.totals().operations).toEqual({ 'meter.totals': {} })
    },
  )
})

describe('the costs of an object', () => {
  it('are counted under its own name, or handed over with a reply', async () => {
    const reports: CostReport[] = []
    const binding = { getByName: () => ({ report: async (costs: CostReport) => void reports.push(costs) }) }
    const costs = createObjectCosts('shard', binding, () => {})
    const { value, spent } = costs.apart(() => {
      costs.count('do_rows_written')
      costs.count('do_rows_written')
      return 'stored'
    })
    costs.count('do_rows_read')
    await costs.flush(0)
    expect([value, spent]).toEqual(['stored', { do_rows_written: 2 }])
    expect(reports[0]?.['shard']).toEqual({ do_rows_read: 1 })
    const fail = () => {
      throw new Error('it failed')
    }
    expect(() => costs.apart(fail)).toThrow('it failed')
    costs.count('do_rows_read')
    expect(spent).toEqual({ do_rows_written: 2 })
  })

  it('never make what is counted fail', async () => {
    const failures: unknown[] = []
    const binding = { getByName: () => ({ report: () => Promise.reject(new Error('no meter')) }) }
    const costs = createObjectCosts('tail', binding, (error) => failures.push(error))
    costs.count('do_requests')
    await costs.flush(0)
    expect(failures).toEqual([new Error('no meter')])
  })
})
