import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { processFieldsMax, processWordCharsMax, processWordsMax } from '../../../src/core/limits.ts'
import { numberStatistics, statisticsOf, textStatistics } from '../../../src/jobs/process_statistics.ts'

describe('the statistics of a text', () => {
  it('count lines, words, characters and bytes, and name the most frequent words', () => {
    expect(textStatistics(['The cat saw the dog.\nThe end 💥'])).toEqual({
      lines: 2,
      words: 7,
      distinct_words: 5,
      characters: 30,
      bytes: 33,
      most_frequent: [
        { word: 'the', count: 3 },
        { word: 'cat', count: 1 },
        { word: 'dog', count: 1 },
        { word: 'end', count: 1 },
        { word: 'saw', count: 1 },
      ],
    })
  })

  it.each([
    ['', 0],
    ['a', 1],
    ['a\n', 1],
    ['a\r\nb\rc\n\n', 4],
    ['\n', 1],
  ])('count in %j %i lines', (text, lines) => {
    expect(textStatistics([text]).lines).toBe(lines)
  })

  it.each([
    ["don't stop", ["don't", 'stop']],
    ['naïve café', ['café', 'naïve']],
    ['snake_case e-mail 42', ['42', 'e-mail', 'snake_case']],
    ['Привет, мир! สวัสดี', ['мир', 'привет', 'สวัสดี']],
    ['-- ... !', []],
  ])('take %j for the words %j', (text, words) => {
    expect(
      textStatistics([text])
        .most_frequent.map(({ word }) => word)
        .toSorted(),
    ).toEqual(words.toSorted())
  })

  it('name few words, and of a long one the beginning', () => {
    const many = Array.from({ length: processWordsMax + 5 }, (_, i) => `word${i}`).join(' ')
    expect(textStatistics([many]).most_frequent).toHaveLength(processWordsMax)
    expect(textStatistics(['x'.repeat(10_000)]).most_frequent[0]?.word).toBe(`${'x'.repeat(processWordCharsMax)}...`)
  })
})

describe('the statistics of numbers', () => {
  it('tell spread and middle', () => {
    expect(numberStatistics([4, 1, 3, 2])).toEqual({
      count: 4,
      min: 1,
      max: 4,
      sum: 10,
      mean: 2.5,
      median: 2.5,
      p95: expect.closeTo(3.85, 10) as number,
      standard_deviation: expect.closeTo(Math.sqrt(1.25), 10) as number,
    })
  })

  it('are within the numbers, and hold null where JSON could not say it', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 50 }), (numbers) => {
        const { count, min, max, median, mean, p95 } = numberStatistics(numbers)
        expect([count, min, max]).toEqual([numbers.length, Math.min(...numbers), Math.max(...numbers)])
        const slack = 1e-9 * Math.max(Math.abs(min ?? 0), Math.abs(max ?? 0))
        const outside = [median, mean, p95].filter((each) => each !== null && (each < (min ?? 0) - slack || each > (max ?? 0) + slack))
        expect(outside).toEqual([])
      }),
    )
    expect(numberStatistics([1e308, 1e308])).toMatchObject({ sum: null, mean: 1e308, max: 1e308 })
  })
})

describe('the statistics of records', () => {
  it('are of the numbers, the texts, and each field of objects', () => {
    const result = statisticsOf({ records: [1, 3, 'a b', { ms: 5, name: 'x', ok: true }, { ms: 7, name: null }] })
    expect(result).toMatchObject({
      records: 5,
      numbers: { count: 2, mean: 2 },
      text: { words: 2 },
      fields: {
        ms: { present: 2, numbers: { count: 2, min: 5, max: 7 } },
        name: { present: 2, text: { words: 1 } },
        ok: { present: 1 },
      },
    })
    expect(result).not.toHaveProperty('fields_left_out')
  })

  it('name a limited number of fields, whatever they are called', () => {
    const record = Object.fromEntries(Array.from({ length: processFieldsMax + 1 }, (_, i) => [`field${i}`, i]))
    const odd = JSON.parse('{"__proto__": 1, "constructor": 2}') as Record<string, number>
    const result = statisticsOf({ records: [odd, record] }) as { fields: object; fields_left_out: boolean }
    expect([Object.keys(result.fields).length, result.fields_left_out]).toEqual([processFieldsMax, true])
    expect(Object.keys(result.fields).slice(0, 2)).toEqual(['__proto__', 'constructor'])
    expect(({} as { numbers?: unknown }).numbers).toBeUndefined()
  })
})
