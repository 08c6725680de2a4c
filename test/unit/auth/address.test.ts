import { describe, expect, it } from 'vitest'
import { addressGroup } from '../../../src/core/address.ts'

describe('a client’s address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:0DB8:0001:0002::1', '2001:db8:1:2'],
    ['2001:db8::1', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['', ''],
  ])('%j counts as %j', (address, group) => {
    expect(addressGroup(address)).toBe(group)
  })
})
