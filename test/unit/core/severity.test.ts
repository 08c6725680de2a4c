import { describe, expect, it } from 'vitest'
import { severities, severityFrom, severityFromText } from '../../../src/core/severity.ts'

const nameOf = (index: number | undefined) => (index === undefined ? undefined : severities[index])

describe('severityFrom', () => {
  it.each([
    ['TRACE', 'trace verbose finest TRC trace4'],
    ['DEBUG', 'debug Dbg fine debug2 D'],
    ['INFO', 'info Information informational notice NOTICE log default i'],
    ['WARNING', 'warn WARNING Warn wrn warn3 W'],
    ['ERROR', 'error err ERR severe Error2 E'],
    ['CRITICAL', 'critical crit fatal FATAL panic dpanic emerg emergency alert Fatal4 F'],
  ])('takes the aliases of %s in any case', (severity, aliases) => {
    for (const alias of aliases.split(' ')) expect([alias, nameOf(severityFrom(alias))]).toEqual([alias, severity])
    expect(nameOf(severityFrom(` ${aliases.split(' ')[0]}  `))).toBe(severity)
  })

  it('reads 10 to 60 as pino and 0 to 7 as syslog when the field says no more', () => {
    expect([10, 20, 30, 40, 50, 60].map((value) => nameOf(severityFrom(value)))).toEqual([...severities])
    expect([0, 1, 2, 3, 4, 5, 6, 7].map((value) => nameOf(severityFrom(value)))).toEqual([
      'CRITICAL',
      'CRITICAL',
      'CRITICAL',
      'ERROR',
      'WARNING',
      'INFO',
      'INFO',
      'DEBUG',
    ])
    expect(nameOf(severityFrom('30'))).toBe('INFO')
    expect(nameOf(severityFrom('3'))).toBe('ERROR')
  })

  it('reads 1 to 24 as OpenTelemetry, four numbers to a severity', () => {
    const names = Array.from({ length: 24 }, (_, i) => nameOf(severityFrom(i + 1, 'opentelemetry')))
    expect(names).toEqual(severities.flatMap((name) => [name, name, name, name]))
    expect(nameOf(severityFrom('17', 'opentelemetry'))).toBe('ERROR')
  })

  it('reads Python numbers, whose 20 is INFO', () => {
    expect([5, 10, 20, 30, 40, 50].map((value) => nameOf(severityFrom(value, 'python')))).toEqual([...severities])
  })

  it.each([
    ['common', [-1, 8, 9, 11, 15, 70, 100, 2.5, NaN, Infinity]],
    ['syslog', [-1, 8, 30, 1.5]],
    ['opentelemetry', [0, 25, 1.5]],
    ['python', [0, 60]],
  ] as const)('refuses numbers that the %s scheme does not have', (scheme, values) => {
    for (const value of values) expect([value, severityFrom(value, scheme)]).toEqual([value, undefined])
  })

  it('refuses anything else', () => {
    for (const value of ['', 'loud', 'constructor', '__proto__', 'x'.repeat(1000), '1e1', '0x10', null, undefined, true, {}, [], 30n]) {
      expect(severityFrom(value)).toBeUndefined()
    }
    expect(severityFromText('toString')).toBeUndefined()
  })
})
