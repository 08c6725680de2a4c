import * as z from 'zod'
import { sentLogs } from './chapter_logs.ts'
import type { Call } from './tour.ts'
import { at } from './world.ts'
import type { World } from './world.ts'

const task = z.object({ id: z.string(), kind: z.string(), status: z.string() })
/** Steps of a task come by a queue, a second or so after each other. */
const withinMs = 60_000

/** Work in the background: a sum, a wait that is stopped, and a file with a link. */
export async function tasks(world: World): Promise<void> {
  const { tour, admin, viewer } = world
  tour.chapter('Background tasks')
  const by = at(world, admin)
  const begin = (kind: string, params: unknown): Call => ({ request: 'POST /tasks', by, json: { kind, params } })
  const told = { status: 202, reply: task, tell: ({ kind, status }: z.output<typeof task>) => `${kind}: ${status}` }
  await tour.step('The admin has two numbers added.', begin('add', { a: 2, b: 3 }), told)
  const { id: wait } = await tour.step('And has a task wait for an hour.', begin('wait', { seconds: 3600 }), told)
  await tour.refused('The viewer stops none.', { request: `DELETE /tasks/${wait}`, by: at(world, viewer) }, 403, 'forbidden')
  await tour.step('The admin does.', { request: `DELETE /tasks/${wait}`, by }, { status: 204 })
  const { id } = await tour.step('All logs go to a CSV file.', begin('export', { format: 'csv' }), told)
  const { url } = await tour.step(
    'Once it is written, a link gives it for ten minutes.',
    { request: `POST /tasks/${id}/download-link`, by, json: { expires_in_seconds: 600 } },
    {
      status: 201,
      reply: z.object({ url: z.string(), expires_at: z.string() }),
      tell: ({ expires_at }) => `until ${expires_at}`,
      withinMs,
    },
  )
  const path = new URL(url).pathname.replace('/api/v1', '')
  await tour.step(
    'Whoever has it needs no account.',
    { request: `GET /${path.slice(1)}` },
    {
      status: 200,
      reply: z.string().refine((text) => text.trim().split('\n').length > sentLogs, 'must have a line for each log, and a head'),
      tell: (text) => `${text.trim().split('\n').length} lines`,
    },
  )
  await tour.step('The admin removes the file.', { request: `DELETE /tasks/${id}`, by }, { status: 204 })
  await tour.refused('Its link has ended with it.', { request: `GET /${path.slice(1)}` }, 404, 'not_found')
}
