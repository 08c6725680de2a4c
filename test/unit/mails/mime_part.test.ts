import { describe, expect, it } from 'vitest'
import { mimePart } from '../../../src/features/dev/mime_part.ts'

const lines = (...all: string[]) => all.join('\r\n')

describe('a part of a message', () => {
  const nested = lines(
    'Content-Type: multipart/mixed;',
    ' boundary="--_NmP-1"',
    '',
    '----_NmP-1',
    'Content-Type: multipart/alternative; boundary="--_NmP-2"',
    '',
    '----_NmP-2',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    'R3LDvMOf',
    'ZQ==',
    '----_NmP-2',
    'Content-Type: text/html; charset=utf-8',
    'Content-Transfer-Encoding: quoted-printable',
    '',
    '<p class=3D"a">Gr=C3=BC=C3=9Fe, soft=',
    'ly</p>',
    '----_NmP-2--',
    '',
    '----_NmP-1--',
    '',
  )

  it('is found in others and decoded, whatever its encoding', () => {
    expect(mimePart(nested, 'text/html')).toBe('<p class="a">Grüße, softly</p>')
    expect(mimePart(nested, 'text/plain')).toBe('Grüße')
    expect(mimePart(nested, 'text/csv')).toBeUndefined()
  })

  it('is the whole of a message without parts', () => {
    expect(mimePart(lines('Subject: x', '', 'text'), 'text/plain')).toBe('text')
    expect(mimePart('no header', 'text/plain')).toBeUndefined()
  })
})
