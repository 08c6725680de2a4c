import * as z from 'zod'

/** What the state of a task that wrote one file says at its end, and the download goes by. */
export const fileState = z.object({
  file_name: z.string(),
  content_type: z.string(),
  /** Its parts in R2, and the bytes of each. */
  files: z.int().min(0),
  sizes: z.array(z.int().min(0)),
})
