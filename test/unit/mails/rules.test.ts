import { describe, expect, it } from 'vitest'
import { mailKinds } from '../../../src/core/mails.ts'
import { dark, light } from '../../../src/features/mails/palette.ts'
import { mailCases, mailPlace, write } from '../../support/mail_cases.ts'
import { elementsOf, styleOf } from '../../support/markup.ts'
import type { Element } from '../../support/markup.ts'

/** Cut away by Gmail beyond this, with the link to turn the mail off. */
const bytesMax = 102_000
const tags = new Set('!doctype html head meta title style body div table tr th td h1 h2 p ul li a strong br'.split(' '))

describe.each(mailCases.map((one) => [`${one.kind} (${one.name})`, one] as const))('the mail %s', (_, one) => {
  const { subject, text, html } = write(one)
  const elements = elementsOf(html)
  const named = (name: string) => elements.filter((element) => element.name === name)

  it('has a subject, a text and a document in a language', () => {
    expect(subject).toMatch(/^[^\p{Cc}]{5,150}$/u)
    expect(text).toMatch(/\S/)
    expect(named('html')[0]?.attributes).toEqual({ lang: 'en', dir: 'ltr' })
    expect(named('title')[0]?.text).toBe(subject)
    expect(named('h1')).toHaveLength(1)
  })

  it('is small, and of elements that all mail programs know', () => {
    expect(new TextEncoder().encode(html).length).toBeLessThan(bytesMax)
    expect(elements.map(({ name }) => name).filter((name) => !tags.has(name))).toEqual([])
    expect(html).not.toMatch(/url\(|@import|position:|float:|display:(?!none|inline-block)|flex|grid|javascript:|="data:|<img|\son[a-z]+=/i)
  })

  it('is laid out by tables of at most 600 pixels, with styles in its tags', () => {
    for (const { attributes } of named('table')) expect(Number(attributes['width']?.replace('100%', '600') ?? 0)).toBeLessThanOrEqual(600)
    for (const table of named('table')) {
      const hasHeadings = named('th').some(({ parent }) => parent?.parent === table)
      expect(table.attributes['role']).toBe(hasHeadings ? undefined : 'presentation')
    }
    const columns = named('table').filter(({ attributes }) => attributes['style']?.includes('max-width:600px'))
    expect(columns).toHaveLength(2)
    expect(html).toContain('<!--[if mso]><table role="presentation" width="600"')
    // The one sheet has colours only, so that a program without it shows the same mail.
    expect(named('style')).toHaveLength(1)
    const properties = [...(named('style')[0]?.text ?? '').matchAll(/([a-z-]+):(?!dark\))[^;{}]+(?=[;}])/g)].map(([, name]) => name)
    expect(new Set(properties)).toEqual(new Set(['color-scheme', 'supported-color-schemes', 'color', 'background-color', 'border-color']))
  })

  it('says first, where lists of mails show it, what it is about', () => {
    const [first] = elements.filter(({ parent }) => parent?.name === 'body')
    expect(first?.attributes['style']).toContain('display:none')
    expect(first?.text.trim()).not.toBe('')
  })

  it('knows light and dark, and can be read in both', () => {
    expect(html).toContain('<meta name="color-scheme" content="light dark">')
    const said = elements.filter((element) => element.text.trim() !== '' && isShown(element))
    expect(said.length).toBeGreaterThan(2)
    for (const element of said)
      for (const mode of ['light', 'dark'] as const) expect([element.text, contrastOf(element, mode) >= 4.5]).toEqual([element.text, true])
  })

  it('leads to this deployment only, but for the runbook', () => {
    const links = named('a').map(({ attributes }) => attributes['href'] ?? '')
    expect(links).toContain(mailPlace.publicUrl)
    const elsewhere = links.filter((href) => href !== mailPlace.publicUrl && !href.startsWith(`${mailPlace.publicUrl}/`))
    expect(elsewhere).toEqual(one.kind === 'alert' ? ['https://wiki.example.com/runbooks/payments'] : [])
    for (const href of links) expect(text).toContain(href)
  })
})

it.each(mailCases.filter(({ params }) => tokenOf(params) !== undefined).map((one) => [one.kind, one] as const))(
  'the mail %s has its token in no address',
  (_, one) => {
    const { text, html } = write(one)
    const token = tokenOf(one.params)
    expect(text).toContain(`{"token": "${token}"`)
    for (const { attributes } of elementsOf(html)) expect(JSON.stringify(attributes)).not.toContain(token)
  },
)

function tokenOf(params: unknown): string | undefined {
  return (params as { token?: string }).token
}

it('is tested for every kind of mail', () => {
  expect(new Set(mailCases.map(({ kind }) => kind))).toEqual(new Set(mailKinds))
})

function isShown(element: Element): boolean {
  for (let one: Element | undefined = element; one !== undefined; one = one.parent) if (one.name === 'head') return false
  return true
}

const grounds: Readonly<Record<string, string>> = { page: dark.page, card: dark.card, code: dark.code }
const inks: Readonly<Record<string, string>> = { text: dark.text, muted: dark.muted, link: dark.link, code: dark.text }

/** Contrast of an element's text (WCAG 2.2), with the colours that the style sheet gives in the dark. */
function contrastOf(element: Element, mode: 'light' | 'dark'): number {
  const find = (property: string, byClass: Readonly<Record<string, string>>) => {
    for (let one: Element | undefined = element; one !== undefined; one = one.parent) {
      const classed = mode === 'dark' ? byClass[one.attributes['class'] ?? ''] : undefined
      const own = styleOf({ ...one, parent: undefined }, property)
      if (classed !== undefined || own !== undefined) return classed ?? own ?? ''
    }
    throw new Error(`nothing says the ${property} of "${element.text}"`)
  }
  const [high = 0, low = 0] = [luminance(find('color', inks)), luminance(find('background-color', grounds))].toSorted((a, b) => b - a)
  return (high + 0.05) / (low + 0.05)
}

function luminance(color: string): number {
  const [, hex = ''] = /^#([0-9a-f]{6})$/.exec(color) ?? []
  const [r = NaN, g = NaN, b = NaN] = [0, 2, 4].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

it('measures contrast as WCAG does', () => {
  expect(luminance('#ffffff')).toBeCloseTo(1)
  expect((luminance(light.card) + 0.05) / (luminance('#767676') + 0.05)).toBeCloseTo(4.54, 2)
})
