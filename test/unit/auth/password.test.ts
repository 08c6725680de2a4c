import { describe, expect, it } from 'vitest'
import { passwordComplaint } from '../../../src/core/password_rule.ts'
import { hashPassword, verifyPassword } from '../../../src/features/auth/password.ts'

describe('a stored password', () => {
  it('carries its parameters and a salt of its own', async () => {
    const [one, two] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')])
    expect(one).toMatch(/^\$scrypt\$ln=15,r=8,p=3\$[\w+/]{22}\$[\w+/]{43}$/)
    expect(one).not.toBe(two)
  })

  it('is recognised, and another one is not', async () => {
    const stored = await hashPassword('correct horse')
    expect(await verifyPassword('correct horse', stored)).toBe(true)
    expect(await verifyPassword('correct horsf', stored)).toBe(false)
  })

  it('is the same password however its accents were typed', async () => {
    const stored = await hashPassword('caf\u00e9 cr\u00e8me')
    expect(await verifyPassword('cafe\u0301 cre\u0300me', stored)).toBe(true)
  })

  it('keeps working when it was made with other parameters', async () => {
    // RFC 7914, section 12: scrypt of "pleaseletmein" under "SodiumChloride" with N=16384, r=8, p=1.
    const rfc =
      '$scrypt$ln=14,r=8,p=1$U29kaXVtQ2hsb3JpZGU$cCO9yzr9c0hGHAbNgf046/2o+7qQT44+qbVD9lRdofLVQylVYT8Pz2LUlwUkKpr55h6F3A1lHkDfzwF7RVdYhw'
    expect(await verifyPassword('pleaseletmein', rfc)).toBe(true)
    expect(await verifyPassword('pleaseletmeout', rfc)).toBe(false)
  })

  it('is nobody’s when there is none, after the same work', async () => {
    expect(await verifyPassword('correct horse', undefined)).toBe(false)
    expect(await verifyPassword('', undefined)).toBe(false)
  })

  it('is an error when it is damaged', async () => {
    await expect(verifyPassword('x', '$argon2$v=1$abc')).rejects.toThrow('unknown format')
  })
})

describe('the password rule', () => {
  it.each([
    ['correct horse battery', 'nothing'],
    ['x'.repeat(4) + 'Ab1!zzzzzz', 'nothing'],
    ['ninechars', 'at least 10'],
    [`${'abcd'.repeat(32)}e`, 'at most 128'],
    ['ann@example.com', 'e-mail'],
    ['ANN@example.com', 'e-mail'],
    ['Password1234', 'most used'],
    ['QWERTYuiop', 'most used'],
    ['abababababab', 'different characters'],
    ['broken \ud800 text', 'well-formed'],
  ])('says of %j: %s', (password, complaint) => {
    expect(passwordComplaint(password, 'ann@example.com') ?? 'nothing').toContain(complaint)
  })

  it('does not take the name before the @ either', () => {
    expect(passwordComplaint('annabella.k', 'annabella.k@example.com')).toContain('e-mail')
  })
})
