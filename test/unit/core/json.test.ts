import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { inspectJson } from '../../../src/core/json.ts'

describe('inspecting JSON text', () => {
  it('has nothing to say about what JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        expect(inspectJson(text, 32)).toBeUndefined()
      }),
    )
  })

  it('accepts the deepest nesting allowed and refuses one level more', () => {
    expect(inspectJson('['.repeat(32) + ']'.repeat(32), 32)).toBeUndefined()
    expect(inspectJson('['.repeat(33) + ']'.repeat(33), 32)).toContain('32 levels')
    expect(inspectJson('{"a":'.repeat(200_000), 32)).toContain('32 levels')
  })

  it('does not take brackets and quotes inside strings for structure', () => {
    expect(inspectJson(JSON.stringify({ a: '[[[[{{{{"\\"', b: '"a":1,"a":2' }), 2)).toBeUndefined()
  })

  it('names a name that stands twice, however it is spelled', () => {
    expect(inspectJson('{"a":1,"b":2,"a":3}', 32)).toContain('"a"')
    expect(inspectJson('{"email":"x","\\u0065mail":"y"}', 32)).toContain('"email"')
    expect(inspectJson('{"x":[{"role":1 , "role" :2}]}', 32)).toContain('"role"')
  })

  it('allows one name in different objects, and values equal to names', () => {
    expect(inspectJson('{"a":{"a":"a"},"b":[{"a":1},{"a":1}],"c":"a"}', 32)).toBeUndefined()
    expect(inspectJson('["a","a","a"]', 32)).toBeUndefined()
  })

  it('ends on any text, with a complaint or without', () => {
    const unit = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a')
    fc.assert(
      fc.property(fc.string({ unit }), (text) => {
        expect(['string', 'undefined']).toContain(typeof inspectJson(text, 4))
      }),
    )
  })
})
