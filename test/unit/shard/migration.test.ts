import { expect, test } from 'vitest'
import { text } from '../../../src/objects/log-shard/sql.ts'
import { append, batch, identity, range, search, startMs, visible, world } from './shard_world.ts'

/** A shard's SQLite as the first version of the schema left it, with the blocks and patches of `here`. */
function toFirstVersion({ sql }: ReturnType<typeof world>): void {
  sql.db.exec(`
    CREATE TABLE blocks (
      first_seq INTEGER PRIMARY KEY, rows INTEGER NOT NULL, min_ms INTEGER NOT NULL, max_ms INTEGER NOT NULL,
      severity_counts TEXT NOT NULL, bytes INTEGER NOT NULL, created_ms INTEGER NOT NULL, key_hash TEXT, body_hash TEXT,
      batch_accepted INTEGER, batch_rejected INTEGER, head BLOB NOT NULL, body BLOB NOT NULL
    ) STRICT;
    INSERT INTO blocks SELECT first_seq, rows, min_ms, max_ms, severity_counts, bytes, created_ms, key_hash, body_hash,
      batch_accepted, batch_rejected, head, body FROM blocks_1;
    ALTER TABLE patches DROP COLUMN changed_ms;
    DELETE FROM schema_version WHERE version > 1;
    DELETE FROM meta WHERE key NOT IN ('identity', 'watched');
  `)
  const kept = new Set(['blocks', 'patches', 'meta', 'schema_version'])
  const tables = sql.all(`SELECT name FROM sqlite_master WHERE type = 'table'`).map(({ name }) => text(name))
  for (const table of tables) if (!kept.has(table)) sql.db.exec(`DROP TABLE ${table}`)
}

test('rows, edits and idempotency keys of the first version are there, are sealed, and take appends behind them', async () => {
  const here = world()
  append(here.core, batch(['a', 'b', 'c'], 'aa'))
  append(here.core, batch(['d']))
  here.core.changeRow(identity, 2, { message: 'edited' })
  here.core.deleteRow(identity, 3)
  const before = visible(here, here.core)
  toFirstVersion(here)
  const core = here.open()
  expect(visible(here, core)).toEqual(before)
  expect(append(core, batch(['a', 'b', 'c'], 'aa'))).toMatchObject({ status: 'replayed', firstSeq: 1, accepted: 3, createdMs: startMs })
  expect(append(core, batch(['e']))).toMatchObject({ status: 'stored', firstSeq: 5 })
  expect(await core.sealNow(identity)).toMatchObject({ sealedSeq: 5, hot: { rows: 0 }, damaged: [] })
  for (const shard of [core, here.open()]) {
    expect(visible(here, shard).map(({ seq, message }) => [seq, message])).toEqual([
      [1, 'a'],
      [2, 'edited'],
      [4, 'd'],
      [5, 'e'],
    ])
    expect(search(shard).rows).toEqual([])
  }
})

test('deletes by query that are over lose their query, and tell what became of them', () => {
  const here = world()
  append(here.core, batch(['a']))
  const { db } = here.sql
  db.exec('DROP TABLE ended_erasures; DELETE FROM schema_version WHERE version > 2')
  const insert = db.prepare('INSERT INTO erasures (id, created_ms, erasure) VALUES (?, ?, ?)')
  const common = { q: 'a', range, maxSeq: 1, operation: 1, afterKey: 'k', erased: 3, damaged: 0 }
  for (const [i, status] of ['running', 'done', 'failed'].entries())
    insert.run(status, i, JSON.stringify({ ...common, id: status, createdMs: startMs + i, status, reason: 'too slow' }))
  const core = here.open()
  expect(core.eraseProgress(identity, 'running')).toMatchObject({ status: 'running', erased: 3 })
  expect(core.eraseProgress(identity, 'done')).toEqual({ status: 'done', erased: 3, damaged: 0 })
  expect(core.eraseProgress(identity, 'failed')).toEqual({ status: 'failed', erased: 3, reason: 'too slow' })
  expect(search(core).erasures.map(({ id }) => id)).toEqual(['running'])
  expect(here.sql.all(`SELECT id FROM ended_erasures WHERE erasure GLOB '*"q"*'`)).toEqual([])
})
