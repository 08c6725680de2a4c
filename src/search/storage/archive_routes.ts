import { taskSchema } from '../../features/tasks/schema.ts'
import { rawReply, route } from '../../http/route.ts'
import { archiveLogs, readArchiveFile } from './archive.ts'
import { archiveFileParam, archiveJson } from './archive_schema.ts'

const parquet = 'application/vnd.apache.parquet'

const archive = route(
  {
    id: 'logs.archive',
    method: 'post',
    path: '/api/v1/logs/archive',
    summary: 'Write logs to Parquet files, in the background',
    description: `All logs that match, as they are now, oldest first, in files of some ten thousand rows. The task says how many files there are;
each can be read as soon as it is written. An archive is a copy: no retention and no erasure reaches it. Its files go when its task is
deleted, and with the task some time after its end.`,
    access: 'logs:archive',
    json: archiveJson,
    replies: { 202: taskSchema },
    problems: ['invalid_query', 'conflict', 'unavailable'],
  },
  async ({ json }, ctx) => {
    const body = await archiveLogs(ctx, json)
    return { status: 202, body, headers: { Location: `/api/v1/tasks/${body.id}` } }
  },
)

const file = route(
  {
    id: 'logs.archive_file',
    method: 'get',
    path: '/api/v1/tasks/:id/files/:n',
    summary: 'One Parquet file of an archive',
    access: 'logs:archive',
    param: archiveFileParam,
    replies: { 200: rawReply(parquet, 'The file.') },
    problems: ['not_found', 'unavailable'],
  },
  async ({ param }, ctx) => {
    const { body, size, httpEtag } = await readArchiveFile(ctx, param.id, param.n)
    const headers = {
      'Content-Type': parquet,
      'Content-Disposition': `attachment; filename="edgelog-${param.id}-${param.n}.parquet"`,
      'Content-Length': String(size),
      ETag: httpEtag,
    }
    return new Response(body, { headers })
  },
)

export const archiveRoutes = [archive, file]
