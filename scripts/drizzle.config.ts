import { defineConfig } from 'drizzle-kit'

// Paths are relative to the folder drizzle-kit is called from: the top of the repository.
export default defineConfig({
  dialect: 'sqlite',
  schema: './src/db/schema*.ts',
  out: './migrations',
})
