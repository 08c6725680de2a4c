import * as z from 'zod'
import { queryInteger, uuidSchema } from '../../src/core/primitives.ts'
import { problem } from '../../src/core/problems.ts'
import { emptyReply, rawReply, route } from '../../src/http/route.ts'

/** A few routes of every kind, to test the request pipeline with. */
const noteSchema = z.object({ title: z.string() })
export const noteRoutes = [
  route(
    {
      id: 'note.list',
      method: 'get',
      path: '/notes',
      summary: '',
      access: 'logs:read',
      query: z.strictObject({ page: queryInteger(1, 9).default(1) }),
      replies: { 200: noteSchema },
      problems: [],
    },
    async ({ query }) => ({ status: 200, body: { title: `page ${query.page}`, secret: 'x' } }),
  ),
  route(
    {
      id: 'note.create',
      method: 'post',
      path: '/notes',
      summary: '',
      access: 'logs:write',
      json: z.strictObject({ title: z.string() }),
      replies: { 201: noteSchema },
      problems: [],
    },
    async ({ json }) => ({ status: 201, body: json }),
  ),
  route(
    { id: 'note.own', method: 'get', path: '/notes/own', summary: '', access: 'session', replies: { 200: noteSchema }, problems: [] },
    async (_, { user }) => ({ status: 200, body: { title: user.email } }),
  ),
  route(
    {
      id: 'note.delete',
      method: 'delete',
      path: '/notes/:id',
      summary: '',
      access: 'logs:delete',
      param: z.strictObject({ id: uuidSchema }),
      replies: { 204: emptyReply('Gone.') },
      problems: [],
    },
    async () => ({ status: 204 }),
  ),
  route(
    {
      id: 'form.login',
      method: 'post',
      path: '/login',
      summary: '',
      access: 'public',
      json: z.strictObject({ email: z.string() }),
      form: true,
      replies: { 200: noteSchema },
      problems: [],
    },
    async ({ json }) => ({ status: 200, body: { title: json.email } }),
  ),
  route(
    {
      id: 'note.touch',
      method: 'post',
      path: '/touch',
      summary: '',
      access: 'public',
      json: z.strictObject({ title: z.string() }).optional(),
      form: true,
      replies: { 200: noteSchema },
      problems: [],
    },
    async ({ json }) => ({ status: 200, body: { title: json?.title ?? 'none' } }),
  ),
  route(
    {
      id: 'raw.csv',
      method: 'get',
      path: '/csv',
      summary: '',
      access: 'public',
      replies: { 200: rawReply('text/csv', 'Rows.') },
      problems: [],
    },
    async () => new Response('a,b', { headers: { 'Content-Type': 'text/csv' } }),
  ),
  route(
    { id: 'fail.boom', method: 'get', path: '/boom', summary: '', access: 'public', replies: { 200: noteSchema }, problems: [] },
    async () => {
      throw new Error('password=hunter2')
    },
  ),
  route(
    { id: 'fail.busy', method: 'get', path: '/busy', summary: '', access: 'public', replies: { 200: noteSchema }, problems: [] },
    async () => {
      throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true })
    },
  ),
  route(
    { id: 'fail.gone', method: 'get', path: '/gone', summary: '', access: 'public', replies: { 200: noteSchema }, problems: ['not_found'] },
    async () => {
      throw problem('not_found', 'No such note.')
    },
  ),
]

export const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
/** A POST of JSON; a string is sent as it stands. */
export const json = (body: unknown, headers: Record<string, string> = {}) => ({
  method: 'POST',
  headers: { 'Content-Type': 'application/json', ...headers },
  body: typeof body === 'string' ? body : JSON.stringify(body),
})
