import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { channelUrlCharsMax } from '../../../src/core/limits.ts'
import { targetFault } from '../../../src/core/target_url.ts'

const inProduction = { allowPrivate: false }
const fault = (url: string) => targetFault(url, inProduction)

describe('an address to call', () => {
  it.each([
    'https://hooks.example.com/services/T000/B000/XXXX',
    'https://example.com',
    'https://example.com:443/x',
    'https://example.com:8443/x?y=z',
    'https://EXAMPLE.com/X',
    'https://xn--bcher-kva.example.com/',
    'https://a-b.c-d.example/',
    'https://1.example.com/',
    'https://127.0.0.1.example.com/',
    'https://localhost.example.com/',
  ])('may be %s', (url) => {
    expect(fault(url)).toBeUndefined()
  })

  it.each([
    // Other protocols.
    ['http://example.com/', 'https://'],
    ['ftp://example.com/', 'https://'],
    ['file:///etc/passwd', 'https://'],
    ['javascript:alert(1)', 'https://'],
    ['data:text/plain,x', 'https://'],
    // IPv4 in every notation that the URL parser takes for one.
    ['https://127.0.0.1/', 'IP address'],
    ['https://8.8.8.8/', 'IP address'],
    ['https://169.254.169.254/latest/meta-data/', 'IP address'],
    ['https://2130706433/', 'IP address'],
    ['https://0x7f000001/', 'IP address'],
    ['https://0x7f.0.0.1/', 'IP address'],
    ['https://0177.0.0.1/', 'IP address'],
    ['https://017700000001/', 'IP address'],
    ['https://127.1/', 'IP address'],
    ['https://127.0.0.1./', 'IP address'],
    ['https://0/', 'IP address'],
    ['https://%31%32%37.0.0.1/', 'IP address'],
    // IPv6, also where it stands for IPv4.
    ['https://[::1]/', 'IP address'],
    ['https://[::]/', 'IP address'],
    ['https://[::ffff:127.0.0.1]/', 'IP address'],
    ['https://[::ffff:7f00:1]/', 'IP address'],
    ['https://[64:ff9b::7f00:1]/', 'IP address'],
    ['https://[fd00::1]/', 'IP address'],
    ['https://[fe80::1]/', 'IP address'],
    ['https://[2606:4700:4700::1111]/', 'IP address'],
    // Names of machines and private networks.
    ['https://localhost/', 'a host with a domain'],
    ['https://LOCALHOST/', 'a host with a domain'],
    ['https://intranet/', 'a host with a domain'],
    ['https://kubernetes/', 'a host with a domain'],
    ['https://localhost./', 'letters, digits'],
    ['https://example.com./', 'letters, digits'],
    ['https://foo.localhost/', 'private network'],
    ['https://printer.local/', 'private network'],
    ['https://metadata.google.internal/', 'private network'],
    ['https://x.svc.cluster.local/', 'private network'],
    ['https://router.lan/', 'private network'],
    ['https://nas.home.arpa/', 'private network'],
    ['https://1.0.0.127.in-addr.arpa/', 'private network'],
    ['https://x.onion/', 'private network'],
    ['https://db.corp/', 'private network'],
    // Users, ports.
    ['https://user@example.com/', 'user name'],
    ['https://user:password@example.com/', 'user name'],
    ['https://example.com@127.0.0.1/', 'user name'],
    ['https://example.com:22/', 'port'],
    ['https://example.com:80/', 'port'],
    ['https://example.com:6379/', 'port'],
    // What parsers read differently.
    ['https://example.com\t/', 'ASCII'],
    ['https://exa mple.com/', 'ASCII'],
    [' https://example.com/', 'ASCII'],
    ['https://example.com/\r\nX: y', 'ASCII'],
    ['https://ex\u00ADample.com/', 'ASCII'],
    ['https://\u{1D7CF}27.0.0.1/', 'ASCII'],
    ['https://127\u30020\u30020\u30021/', 'ASCII'],
    ['https://b\u00FCcher.example/', 'ASCII'],
    ['https://ex_ample.com/', 'letters, digits'],
    ['https://-x.example.com/', 'letters, digits'],
    ['https://a..example.com/', 'letters, digits'],
    ['https://', 'URL'],
    ['https://%/', 'URL'],
    ['//example.com/', 'URL'],
    ['example.com', 'URL'],
    ['', 'ASCII'],
    [`https://example.com/${'x'.repeat(channelUrlCharsMax)}`, 'at most'],
  ])('is not %s', (url, reason) => {
    expect(fault(url)).toContain(reason)
  })

  it('is never an IPv4 address, whichever notation each of its numbers has', () => {
    const number = fc.tuple(fc.nat(255), fc.constantFrom(10, 16, 8)).map(([n, radix]) => {
      return radix === 16 ? `0x${n.toString(16)}` : radix === 8 ? `0${n.toString(8)}` : String(n)
    })
    fc.assert(
      fc.property(fc.array(number, { minLength: 2, maxLength: 4 }), fc.constantFrom('', ':443', ':8443'), (numbers, port) => {
        expect(fault(`https://${numbers.join('.')}${port}/`)).toContain('IP address')
      }),
    )
  })

  it('on a development machine may also be http://127.0.0.1, and nothing else that is private', () => {
    const allowing = { allowPrivate: true }
    expect(targetFault('http://127.0.0.1:8099/hook', allowing)).toBeUndefined()
    expect(targetFault('https://hooks.example.com/', allowing)).toBeUndefined()
    const others = [
      'http://localhost:8099/',
      'http://127.0.0.2/',
      'http://10.0.0.1/',
      'http://[::1]/',
      'https://127.0.0.1/',
      'http://u@127.0.0.1/',
      'http://example.com/',
    ]
    for (const url of others) expect([url, targetFault(url, allowing)]).toEqual([url, expect.any(String)])
  })
})
