import { createApp } from './app.ts'
import type { Env } from './config.ts'

export { LiveTail } from './objects/live-tail/object.ts'
export { LogShard } from './objects/log-shard/object.ts'

const app = createApp()

export default {
  fetch: (request, env, ctx) => app.fetch(request, env, ctx),
} satisfies ExportedHandler<Env>
