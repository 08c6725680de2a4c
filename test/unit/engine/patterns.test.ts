import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { patternExampleCharsMax, patternRowsPerBlockMax, patternTextsMax } from '../../../src/core/limits.ts'
import { aggregateBlocks } from '../../../src/engine/query/aggregate_blocks.ts'
import { parseQuery } from '../../../src/engine/query/parser.ts'
import { answerPatterns, mergePatterns, rowsWithoutMessage, sampleRate } from '../../../src/engine/query/patterns.ts'
import { clusterTexts } from '../../../src/engine/query/patterns_cluster.ts'
import { createMask } from '../../../src/engine/query/patterns_mask.ts'
import type { PatternTable } from '../../../src/engine/query/patterns_table.ts'
import { rowsOf } from '../../../src/engine/query/patterns_table.ts'
import type { EncodableRow } from '../../../src/engine/row.ts'
import { corpusRows } from '../../support/corpus.ts'
import { runs } from '../../support/effort.ts'
import { anyText, receivedMs, row } from '../../support/rows.ts'
import { seededRandom } from '../../support/seeded_random.ts'
import type { TestShard } from '../../support/shards.ts'
import { scopeOf, testShard } from '../../support/shards.ts'

const plan = { fromMs: receivedMs - 1000, bucketMs: 500 }

function tableOf(shard: TestShard): PatternTable {
  return structuredClone(aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard), { kind: 'patterns', plan }).result)
}

const messages = (texts: readonly string[]) => texts.map((message, i) => row({ timestampMs: receivedMs + i, severity: i % 6, message }))
const patternsOf = (tables: readonly PatternTable[]) => answerPatterns(mergePatterns(tables))
const counted = (tables: readonly PatternTable[]) => patternsOf(tables).map((entry) => [rowsOf(entry), entry.text])

describe('masking', () => {
  const mask = createMask()

  test.each([
    ['user 17 took 3.5ms and -2, 12,345.60 or 50%', 'user <num> took <num>ms and <num>, <num> or <num>%'],
    ['id 7f9c24e8-3b12-4fef-91e1-56a2d5a3c0b1 0xdeadbeef 4f2a91c07d0e5b36', 'id <id> <id> <id>'],
    ['order 01ARZ3NDEKTSV4RRFFQ69G5FAV of job17 in web-12, utf8 and sha256', 'order <id> of job17 in web-<num>, utf8 and sha<num>'],
    ['GET /api/orders/8812/items?page=2 HTTP/1.1', 'GET /api/orders/<num>/items?page=<num> HTTP/<num>'],
    ['from 10.0.0.1:8080, [2001:db8::8a2e:370:7334] and ::1 to aa:bb:cc:dd:ee:0f', 'from <ip>:<num>, [<ip>] and <ip> to <id>'],
    ['mail to ann.b+c@mail.example.com: sent', 'mail to <email>: sent'],
    ['2026-11-22T07:04:17.123Z up', '<time> up'],
    ['2026-11-22 07:04:17,123 up, 22/Nov/2026:07:04:17 +0000 and Nov 22 07:04:17 too', '<time> up, <time> and <time> too'],
    ['Sun, 22 Nov 2026 at 07:04', 'Sun, <num> Nov <num> at <time>'],
    ['at queue.js:12:34 in f', 'at queue.js:<num> in f'],
    ["said \"hello world\" to 'A \\'B\\'' but don't or can't", "said <str> to <str> but don't or can't"],
    ['{"amount": 5, "name":"Ann"}', '{"amount": <num>, "name":<str>}'],
    ['libssl3:amd64 3.0.11-1~deb12u2 <none>', 'libssl3:amd64 <num> <none>'],
    ['deadlock with facade and dead beef', 'deadlock with facade and dead beef'],
    ['  Error: boom 5\n    at f (x.js:1)', 'Error: boom <num> …'],
    ['Größe 17 日本 ::', 'Größe <num> 日本 ::'],
    ['', ''],
  ])('%j becomes %j', (message, masked) => {
    expect(mask(message)).toBe(masked)
  })

  test('takes any text, and as long for a long one as for its beginning', () => {
    const hard = [
      'a@'.repeat(9000),
      '1-'.repeat(9000),
      ':'.repeat(9000),
      `"${'x '.repeat(9000)}`,
      '"\\'.repeat(9000),
      '1.'.repeat(9000),
      'f'.repeat(9000),
    ]
    for (const text of hard) expect(mask(text).length).toBeLessThanOrEqual(3 * 1001)
    fc.assert(
      fc.property(fc.oneof(anyText, fc.string({ unit: 'binary' })), (text) => {
        expect(createMask()(text)).toBe(mask(text))
      }),
      { numRuns: runs(500) },
    )
  })
})

describe('clustering', () => {
  const clusters = (texts: readonly string[]) => [...new Set(clusterTexts(texts).values())].sort()

  test('finds words that vary, and leaves messages that have little in common', () => {
    const people = ['ann', 'bob', 'cid', 'dan', 'eve']
    const accounts = Array.from({ length: 20 }, (_, i) => String.fromCharCode(97 + i).repeat(3))
    const texts = [
      ...people.map((name) => `user ${name} logged in`),
      ...people.map((name) => `user ${name} logged out`),
      ...accounts.flatMap((name) => accounts.map((other) => `transfer from account ${name} to account ${other} done`)),
      'disk full on data',
      'cache miss for key',
      'queue is not empty',
      'payment accepted by bank',
      'payment declined by bank',
    ]
    expect(clusters(texts)).toEqual([
      'cache miss for key',
      'disk full on data',
      'payment accepted by bank',
      'payment declined by bank',
      'queue is not empty',
      'transfer from account <*> to account <*> done',
      'user <*> logged in',
      'user <*> logged out',
    ])
  })

  test('adds to the patterns it found before', () => {
    expect(clusters(['user <*> logged in', 'user zoe logged in', 'user zoe logged out'])).toEqual([
      'user <*> logged in',
      'user zoe logged out',
    ])
  })

  test('follows from the texts alone, not from their order', () => {
    const word = fc.constantFrom('a', 'b', 'c', 'dd', 'ee', '<num>', '<*>', '=', '/', '')
    const anyTexts = fc.uniqueArray(
      fc.array(word, { minLength: 1, maxLength: 6 }).map((words) => words.join(' ')),
      { maxLength: 60 },
    )
    fc.assert(
      fc.property(anyTexts, fc.array(fc.nat()), (texts, order) => {
        const shuffled = texts
          .map((text, i) => ({ text, place: order[i % Math.max(1, order.length)] ?? 0 }))
          .sort((a, b) => a.place - b.place)
        const found = clusterTexts(texts)
        expect(clusterTexts(shuffled.map(({ text }) => text))).toEqual(found)
        expect([...found.keys()].sort()).toEqual(texts.toSorted())
      }),
      { numRuns: runs(300) },
    )
  })
})

describe('patterns', () => {
  test('count each row once, however rows are spread over blocks and shards', () => {
    const anyMessage = fc.oneof(
      fc
        .tuple(fc.constantFrom('login of', 'logout of'), fc.constantFrom('ann', 'bob', 'cid', 'dan', 'eve'), fc.nat(99))
        .map((parts) => parts.join(' ')),
      anyText,
    )
    const anyRows = fc.array(fc.tuple(anyMessage, fc.nat({ max: 900 }), fc.nat({ max: 5 })), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(anyRows, fc.nat({ max: 3 }), fc.boolean(), (rows, cut, isSwapped) => {
        const all = rows.map(([message, ms, severity]) => row({ timestampMs: receivedMs + ms, severity, message }))
        const parts = [all.filter((_, i) => i % 4 <= cut), all.filter((_, i) => i % 4 > cut)]
        const shards = parts.map((part, i) =>
          testShard(
            i,
            [part.slice(0, 7), part.slice(7)].filter((batch) => batch.length > 0),
          ),
        )
        const tables = shards.map(tableOf)
        const merged = mergePatterns(isSwapped ? tables.toReversed() : tables)
        const answer = answerPatterns(merged)
        const mask = createMask()
        const clusterOf = clusterTexts(new Set(all.map(({ message }) => mask(message.toWellFormed()))))
        const byHand = Map.groupBy(
          shards.flatMap((shard) => shard.rows.map((each) => ({ ...each, shard: shard.shard }))),
          ({ message }) => clusterOf.get(mask(message))!,
        )
        expect(rowsWithoutMessage(merged)).toBe(byHand.get('')?.length ?? 0)
        expect(sampleRate(merged)).toBe(1)
        byHand.delete('')
        expect(answer.map(({ text }) => text).sort()).toEqual([...byHand.keys()].sort())
        for (const { text, counts, firstMs, lastMs, buckets, example } of answer) {
          const group = byHand.get(text)!
          expect(counts).toEqual([0, 1, 2, 3, 4, 5].map((severity) => group.filter((each) => each.severity === severity).length))
          expect([firstMs, lastMs]).toEqual([
            Math.min(...group.map((each) => each.timestampMs)),
            Math.max(...group.map((each) => each.timestampMs)),
          ])
          expect(buckets.map((count, i) => [i, count]).filter(([, count]) => count! > 0)).toEqual(
            [...Map.groupBy(group, (each) => Math.floor((each.timestampMs - plan.fromMs) / plan.bucketMs))]
              .map(([i, some]) => [i, some.length])
              .sort((a, b) => a[0]! - b[0]!),
          )
          const last = group.toSorted((a, b) => a.timestampMs - b.timestampMs || a.shard - b.shard || a.seq - b.seq).at(-1)!
          expect(example).toEqual({
            ms: last.timestampMs,
            shard: last.shard,
            seq: last.seq,
            message: last.message.slice(0, patternExampleCharsMax),
          })
        }
      }),
      { numRuns: runs(100) },
    )
  })

  test('of more messages than fit fold those alike, and say how many rows were dropped', () => {
    const random = seededRandom(5)
    const letters = () => Array.from({ length: 8 }, () => String.fromCharCode(97 + random(26))).join('')
    const unlike = Array.from({ length: 7000 }, () => `${letters()} ${letters()} ${letters()}`)
    const alike = Array.from({ length: 7000 }, () => `user ${letters()} logged in`)
    const often = Array.from({ length: 100 }, () => 'all is well')
    const shards = [testShard(0, [messages([...alike, ...often])]), testShard(1, [messages(unlike), messages(alike)])]
    const merged = mergePatterns(shards.map(tableOf))
    expect(merged.entries.length).toBeLessThanOrEqual(patternTextsMax)
    expect(merged.entries.reduce((sum, entry) => sum + rowsOf(entry), merged.droppedRows)).toBe(21_100)
    expect(merged.droppedRows).toBeGreaterThan(0)
    expect(counted([merged]).slice(0, 2)).toEqual([
      [14_000, 'user <*> logged in'],
      [100, 'all is well'],
    ])
  })

  test('of a block with very many messages are estimated from every n-th, and say so', () => {
    const rows = 2 * patternRowsPerBlockMax + 5
    const random = seededRandom(5)
    const texts = Array.from({ length: rows }, () => `request ${random(2 ** 31)} ${random(3) === 0 ? 'failed' : 'done'}`)
    const table = tableOf(testShard(0, [messages(texts)]))
    expect(sampleRate(table)).toBeCloseTo(1 / 3, 3)
    const found = patternsOf([table])
    expect(found.map(({ text }) => text)).toEqual(['request <num> done', 'request <num> failed'])
    expect(found.reduce((sum, entry) => sum + rowsOf(entry), 0)).toBe(rows)
    expect(rowsOf(found[1]!) / (rows / 3)).toBeCloseTo(1, 1)
    const few = tableOf(testShard(0, [messages(texts.map((_, i) => `request ${i % 100} done`))]))
    expect(sampleRate(few)).toBe(1)
  })

  test('of many blocks look at fewer and fewer messages, and still count every row', () => {
    const jobs = Array.from({ length: 12 }, (_, batch) => messages(Array.from({ length: 4000 }, (__, i) => `job ${batch * 4000 + i} done`)))
    const [few, many] = [tableOf(testShard(0, jobs.slice(0, 3))), tableOf(testShard(0, jobs))]
    expect(sampleRate(few)).toBe(1)
    expect(sampleRate(many)).toBeLessThan(1)
    expect(sampleRate(mergePatterns([few, many]))).toBeCloseTo((few.seenRows + many.seenRows) / 60_000, 6)
    expect(counted([few, many])).toEqual([[15 * 4000, 'job <num> done']])
  })

  test('of very many messages without a pattern end with the budget, and what was looked at adds up', () => {
    const random = seededRandom(7)
    const letters = () => Array.from({ length: 7 }, () => String.fromCharCode(97 + random(26))).join('')
    const batches = Array.from({ length: 12 }, () => messages(Array.from({ length: 4000 }, () => `${letters()} ${letters()}`)))
    const shard = testShard(0, batches)
    const scan = (budgetBytes: number) =>
      aggregateBlocks(shard.sources, parseQuery(''), scopeOf(shard, { budgetBytes }), { kind: 'patterns', plan })
    expect(scan(2 ** 30).budgetEnded).toBe(false)
    const { result, budgetEnded, cost } = scan(2 ** 25)
    expect(budgetEnded).toBe(true)
    expect(cost.rowsMatched).toBeLessThan(48_000)
    expect(result.entries.reduce((sum, entry) => sum + rowsOf(entry), result.droppedRows)).toBe(cost.rowsMatched)
  })

  test('have no place for rows without a message, which are counted apart', () => {
    const table = tableOf(testShard(0, [messages(['', 'job 1', '', '  ', 'job 2']), messages(['', ''])]))
    expect(counted([table])).toEqual([[2, 'job <num>']])
    expect([rowsWithoutMessage(table), sampleRate(table)]).toEqual([5, 1])
    expect(sampleRate(mergePatterns([]))).toBe(1)
  })

  test('do not keep long messages whole', () => {
    const [entry] = patternsOf([tableOf(testShard(0, [messages([`😀${'x'.repeat(5000)}`])]))])
    expect(entry!.example.message.length).toBeLessThanOrEqual(patternExampleCharsMax)
    expect(entry!.text).toMatch(/^😀x+…$/)
  })
})

describe('patterns of real logs', () => {
  const folder = fileURLToPath(new URL('../../corpus/ship/', import.meta.url).href)
  const lines = (name: string) => readFileSync(`${folder}${name}`, 'utf8').split('\n').filter(Boolean)
  const top = (rows: readonly EncodableRow[], limit: number) =>
    counted([tableOf(testShard(0, [[...rows]]))])
      .slice(0, limit)
      .map((entry) => entry.join(' '))

  test('name what pino logs', () => {
    expect(top(corpusRows('pino'), 10)).toEqual([
      '1209 request completed',
      '196 search',
      '142 order received',
      '117 request errored',
      '96 charge failed for order <num>',
      '88 cache hit',
      '49 request aborted',
      '45 charge approved',
      '34 dropping connection on purpose',
      '17 cannot load stock of wh-<num>',
    ])
  })

  test('fold times, numbers and names of python', () => {
    expect(top(messages(lines('python-billing.log')), 5)).toEqual([
      '33 File <str>, line <num>, in <*>',
      '22 <time> INFO     [<num>:MainThread] billing.audit:<num> - invoice <num>: start, amount=<num> EUR, customer=<str>',
      '14 |   File <str>, line <num>, in <*>',
      '12 Traceback (most recent call last):',
      '11 <time> DEBUG    [<num>:MainThread] billing.worker:<num> - invoice <num>: ok in <num> ms',
    ])
  })

  test('fold an access log', () => {
    expect(top(messages(lines('nginx-access.log')), 5)).toEqual([
      '27 <ip> - - [<time>] <str> <num> <num> <str> <str>',
      '2 <ip> - alice [<time>] <str> <num> <num> <str> <str>',
    ])
  })
})
