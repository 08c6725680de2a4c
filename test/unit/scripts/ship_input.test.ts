import { appendFileSync, mkdtempSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { followInput, openInput } from '../../../scripts/ship/input.ts'
import type { Input } from '../../../scripts/ship/input.ts'

let folder: string
let file: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'edgelog-ship-'))
  file = join(folder, 'app.log')
})
afterEach(() => rmSync(folder, { recursive: true }))

async function textOf(input: Input): Promise<string> {
  const parts: Uint8Array[] = []
  for await (const chunk of input.chunks) parts.push(chunk)
  return Buffer.concat(parts).toString()
}

it('decompresses .gz and .zst files, also of several parts', async () => {
  const parts = ['one\n', 'two\n']
  writeFileSync(`${file}.gz`, Buffer.concat(parts.map((part) => gzipSync(part))))
  writeFileSync(`${file}.zst`, Buffer.concat(parts.map((part) => zstdCompressSync(part))))
  expect(await textOf(await openInput(`${file}.gz`))).toBe('one\ntwo\n')
  expect(await textOf(await openInput(`${file}.zst`))).toBe('one\ntwo\n')
  writeFileSync(`${file}.zst`, zstdCompressSync('one\n').subarray(0, -3))
  await expect(openInput(`${file}.zst`).then(textOf)).rejects.toThrow('unexpected end of file')
})

it('says what is wrong with a file that cannot be read', async () => {
  await expect(openInput(join(folder, 'absent.log'))).rejects.toThrow('absent.log cannot be read')
  await expect(openInput(folder)).rejects.toThrow('is a directory')
  await expect(followInput(`${file}.gz`, new AbortController().signal)).rejects.toThrow('is compressed')
})

it('follows a file through appending, rotation and truncation without losing or repeating a byte', async () => {
  writeFileSync(file, 'one\n')
  const ending = new AbortController()
  const input = await followInput(file, ending.signal)
  const steps = [
    () => appendFileSync(file, 'two\n'),
    () => {
      appendFileSync(file, 'three\n')
      renameSync(file, `${file}.1`)
      writeFileSync(file, 'four\n')
    },
    () => {
      truncateSync(file)
      appendFileSync(file, '5\n')
    },
    () => ending.abort(),
  ]
  const expected = ['one\n', 'one\ntwo\n', 'one\ntwo\nthree\nfour\n', 'one\ntwo\nthree\nfour\n5\n']
  let text = ''
  for await (const chunk of input.chunks) {
    text += Buffer.from(chunk).toString()
    // Each step is taken when all before it was read.
    if (text === expected[0]) {
      expected.shift()
      steps.shift()?.()
    }
  }
  expect(text).toBe('one\ntwo\nthree\nfour\n5\n')
  expect(input.readBytes()).toBe(text.length)
})
