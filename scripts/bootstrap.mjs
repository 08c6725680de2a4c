// The one script that an old Node must understand (20 and newer): it completes node_modules and hands
// over to the Node 24 that is pinned there, which runs TypeScript as it is.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const node = join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
const [name, ...args] = process.argv.slice(2)
const script = join(root, 'scripts', `${name}.ts`)

if (!name || !/^[a-z_]+$/.test(name) || !existsSync(script)) {
  console.error(`There is no script "${name}". Run "npm run" to see what there is.`)
  process.exit(2)
}
if (Number(process.versions.node.split('.')[0]) < 20) {
  console.error(
    `Edgelog needs Node 20 or newer to install itself; this is ${process.version}. Get it from https://nodejs.org and run the command again.`,
  )
  process.exit(1)
}
if (!installed()) await install()
if (process.env.npm_lifecycle_event) endWithNpm()
if (Number(process.versions.node.split('.')[0]) >= 24) {
  process.argv = [process.argv[0], script, ...args]
  await import(pathToFileURL(script).href)
} else {
  process.exitCode = await run(node, [script, ...args])
}

/** npm runs us through a shell that does not pass signals on: when either is gone, nobody could end us any more. */
function endWithNpm() {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    process.kill(process.pid, 'SIGTERM')
  }, 500)
  watch.unref()
}

/** True when node_modules holds what package-lock.json names; npm writes its own list as the last step of an install. */
function installed() {
  if (!existsSync(node)) return false
  const wanted = packages(join(root, 'package-lock.json'))
  const present = packages(join(root, 'node_modules', '.package-lock.json'))
  if (!wanted || !present) return false
  return Object.entries(wanted).every(([path, { version, optional }]) => {
    const found = present[path]
    // Optional packages are binaries of one platform each: absent is right, another version is not.
    return path === '' || (found ? found.version === version : optional === true)
  })
}

function packages(lockfile) {
  try {
    return JSON.parse(readFileSync(lockfile, 'utf8')).packages
  } catch {
    return undefined
  }
}

async function install() {
  console.log('Installing the packages that package-lock.json pins (only when it changed; about a minute) ...')
  const began = Date.now()
  const seconds = () => Math.round((Date.now() - began) / 1000)
  const beat = setInterval(() => console.log(`  still installing, ${seconds()} s`), 10_000)
  const flags = ['ci', '--no-audit', '--no-fund', '--ignore-scripts=false', '--loglevel=error']
  // The npm that runs us, so that no other version from PATH is taken.
  const npm = process.env.npm_execpath
  const code = npm?.endsWith('.js')
    ? await run(process.env.npm_node_execpath ?? process.execPath, [npm, ...flags])
    : await run('npm', flags)
  clearInterval(beat)
  if (code === 0 && installed()) return console.log(`  installed in ${seconds()} s`)
  console.error(
    '\nThe packages could not be installed (see above). Check the network connection and free disk space, then run the command again.',
  )
  process.exit(code || 1)
}

/** Runs a command in the project with this terminal; answers its exit code. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', shell: command === 'npm' && process.platform === 'win32' })
    const pass = (signal) => child.kill(signal)
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, pass)
    child.on('error', reject)
    child.on('close', (code, signal) => {
      for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.off(name, pass)
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143))
    })
  })
}
