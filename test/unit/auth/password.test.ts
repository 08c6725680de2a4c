import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isCommonPassword } from '../../../src/core/common_passwords.ts'
import { passwordComplaint } from '../../../src/core/password_rule.ts'
import { hashPassword, noPassword, verifyPassword } from '../../../src/features/auth/password.ts'

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

  it('is nobody’s before the person has chosen one, whatever is typed', async () => {
    for (const typed of [noPassword, '', 'correct horse']) expect(await verifyPassword(typed, noPassword)).toBe(false)
  })

  it('is an error when it is damaged', async () => {
    await expect(verifyPassword('x', '$argon2$v=1$abc')).rejects.toThrow('unknown format')
  })
})

describe('the password rule', () => {
  const ann = { email: 'ann@example.com', names: ['Ann', null, 'Ängström', 'Acme Rockets Inc'] }

  it.each([
    ['correct horse battery', 'nothing'],
    ['x'.repeat(4) + 'Ab1!zzzzzz', 'nothing'],
    ['7 chars', 'at least 8'],
    ['8 charsX', 'nothing'],
    ['', 'at least 8'],
    ['!"§$%&/()=?', 'nothing'],
    ['abcd'.repeat(32), 'nothing'],
    [`${'abcd'.repeat(32)}e`, 'at most 128'],
    ['Password', 'most used'],
    ['Password1234', 'most used'],
    ['sunshine!!99', 'most used'],
    ['QWERTYuiop', 'most used'],
    ['\uff50\uff41\uff53\uff53\uff57\uff4f\uff52\uff44', 'most used'],
    ['abababababab', 'different characters'],
    ['broken \ud800 text', 'well-formed'],
  ])('says of %j: %s', (password, complaint) => {
    expect(passwordComplaint(password, ann) ?? 'nothing').toContain(complaint)
  })

  it.each([
    'ann@example.com',
    'ANN@example.com',
    'example.com1',
    'Example-2024',
    'angstrom1987',
    'Ä.n.g.s.t.r.ö.m!',
    'acmerockets',
    'AcmeRocketsInc42',
    'rocketsrockets',
    'edgelog-2026',
  ])('does not take %j, which is made of what others know of the person', (password) => {
    expect(passwordComplaint(password, ann)).toContain('beside your name, e-mail address and organization')
  })

  it.each(['annual-report-7', 'planning banner', 'rockets fly over the lake', 'my example has a lake in it', 'angstrom units are small'])(
    'takes %j, in which that is only a part, or too short to be looked for',
    (password) => {
      expect(passwordComplaint(password, ann)).toBeUndefined()
    },
  )

  it('does not take a part of a long e-mail address', () => {
    expect(passwordComplaint('bellaquick', { email: 'annabellaquickstep@example.com' })).toContain('e-mail')
  })

  it('has an answer to any text, and asks nothing of who has only short names', () => {
    const text = fc.string({ unit: 'binary', maxLength: 60 })
    const owner = fc.record({ email: text, names: fc.array(fc.option(text), { maxLength: 4 }) })
    fc.assert(fc.property(text, owner, (password, whose) => ['string', 'undefined'].includes(typeof passwordComplaint(password, whose))))
    const short = { email: 'li@ex.io', names: ['Li', 'Ann', 'Max Ng'] }
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('l', 'i', 'n', 'a', 'm', 'g', 'e', 'o', '.', ' '), minLength: 8, maxLength: 30 }),
        (password) => {
          expect(passwordComplaint(password, short) ?? '').not.toContain('beside your name')
        },
      ),
    )
  })

  it('knows the 10,000 most common passwords of that length', () => {
    const known = ['12345678', 'football', 'iloveyou', 'trustno1', '1qaz2wsx', '11111111', 'michelle', '01011980']
    expect(known.filter(isCommonPassword)).toEqual(known)
    expect(['', 'correct horse', 'football iloveyou'].filter(isCommonPassword)).toEqual([])
  })
})
