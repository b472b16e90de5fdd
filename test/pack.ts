/** The package as others get it: packed, put into an empty project, and used there as README.md says. */
import {execFile} from 'node:child_process'
import {chmod, copyFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {dirname, join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'
import {promisify} from 'node:util'
import test from 'ava'

const root = fileURLToPath(new URL('..', import.meta.url))
const own = join(root, 'node_modules')
const run = promisify(execFile)

interface Manifest {
  readonly bin: Readonly<Record<string, string>>
  readonly dependencies: Readonly<Record<string, string>>
}

interface Exited {
  readonly exit: number
  readonly out: string
  readonly err: string
}

let stage = ''
let project = ''
let packed: readonly string[] = []

test.before(async () => {
  stage = await mkdtemp(join(tmpdir(), 'tearproof-'))
  project = join(stage, 'project')
  const tarball = await pack()
  await install(tarball)
  await writeFile(join(project, 'package.json'), '{"type": "module"}')
  const [wrapper, program, spec] = await examples('ts')
  await writeFile(join(project, 'seqlock.ts'), wrapper!)
  for (const extension of ['js', 'ts']) {
    await writeFile(join(project, `pair.${extension}`), program!)
    await writeFile(join(project, `test.${extension}`), spec!)
  }
})

test.after.always(() => rm(stage, {recursive: true, force: true}))

/** Compiles and packs, without touching the checkout: other tests run in it. */
async function pack(): Promise<string> {
  const copy = join(stage, 'copy')
  await run(process.execPath, [join(own, 'typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(copy, 'dist')], {cwd: root})
  for (const file of ['package.json', 'README.md', 'LICENSE']) await copyFile(join(root, file), join(copy, file))
  const {stdout} = await run('npm', ['pack', '--json', '--ignore-scripts', '--offline', '--pack-destination', stage], {cwd: copy})
  const [{filename, files}] = JSON.parse(stdout) as [{filename: string; files: readonly {path: string}[]}]
  packed = files.map(({path}) => path)
  return join(stage, filename)
}

/** What `npm install` does, without network: the package in its place, its dependencies and its bin linked. */
async function install(tarball: string): Promise<void> {
  const modules = join(project, 'node_modules')
  await mkdir(join(modules, 'tearproof'), {recursive: true})
  await run('tar', ['-xzf', tarball, '-C', join(modules, 'tearproof'), '--strip-components=1'])
  const {bin, dependencies} = JSON.parse(await readFile(join(modules, 'tearproof/package.json'), 'utf8')) as Manifest
  for (const name of [...Object.keys(dependencies), 'ava', 'tsx', 'typescript', '@types/node']) {
    await mkdir(dirname(join(modules, name)), {recursive: true})
    await symlink(join(own, name), join(modules, name))
  }
  await mkdir(join(modules, '.bin'))
  for (const [name, file] of Object.entries(bin)) {
    const target = join(modules, 'tearproof', file)
    await chmod(target, 0o755)
    await symlink(relative(join(modules, '.bin'), target), join(modules, '.bin', name))
  }
}

/** The fenced blocks of README.md in a language; '' for those without. */
async function examples(language: string): Promise<readonly string[]> {
  const text = await readFile(join(root, 'README.md'), 'utf8')
  return Array.from(text.matchAll(/^```(\w*)\n(.*?)^```$/gms)).filter(([, found]) => found === language).map(([,, block]) => block!)
}

/** A bin of the project, run in it. */
function start(bin: string, ...args: readonly string[]): Promise<Exited> {
  return new Promise(resolve => {
    const {NODE_OPTIONS: _options, ...inherited} = process.env
    const env = {...inherited, NO_COLOR: '1', TEARPROOF_SEED: '', TEARPROOF_RUNS: '', AVA_FORCE_CI: 'not-ci'}
    const child = execFile(join(project, 'node_modules', bin), args, {cwd: project, env}, (_, out, err) => {
      resolve({exit: child.exitCode ?? -1, out, err})
    })
  })
}

const ava = 'ava/entrypoints/cli.mjs'
const tearproof = '.bin/tearproof'

test.serial('the package is what was compiled, and nothing else', t => {
  t.deepEqual(packed.filter(path => !/^dist\/(lib|primitives|harness)\/.*\.(js|d\.ts)$/.test(path)).sort(), ['LICENSE', 'README.md', 'package.json'])
})

test.serial('the test in README.md passes', async t => {
  const {exit, out, err} = await start(ava, 'test.js')
  t.is(exit, 0, out + err)
  t.regex(out, / 3 tests passed/)
})

test.serial('a test that fails shows the report, and how to run this execution again', async t => {
  await writeFile(join(project, 'fails.js'), `import test from 'ava'
import {holds} from 'tearproof/ava'
import {lkmm} from 'tearproof/lib'
import {pair} from './pair.js'
test('it holds', holds, pair, lkmm)
`)
  const {exit, out} = await start(ava, 'fails.js')
  t.is(exit, 1)
  t.regex(out, /✗ pair under lkmm breaks “no torn snapshot”/)
  t.regex(out, /TEARPROOF_TOKEN=pair:lkmm:\S+ npx ava --match='it holds'/)
})

test.serial('in TypeScript the same files have types, and conditions those of the threads', async t => {
  await writeFile(join(project, 'wrong.ts'), `import {program, readOnce, threads} from 'tearproof/lib'
export const wrong = program('wrong', ({word}) => {
  const x = word('x')
  return threads({reader: function* () { return {a: yield* readOnce(x)} }}, {claims: {
    // @ts-expect-error -- reader returns no b
    'b is 0': ({reader}) => reader.b === 0,
  }})
})
`)
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({
    compilerOptions: {strict: true, target: 'es2023', module: 'nodenext', types: ['node'], noEmit: true}, include: ['seqlock.ts', 'pair.ts', 'test.ts', 'wrong.ts'],
  }))
  const {exit, out} = await start('typescript/bin/tsc')
  t.is(exit, 0, out)
})

test.serial('the command prints what README.md says that it prints', async t => {
  const printed = (await examples('')).find(block => block.startsWith('seed 1;'))!
  const {exit, out, err} = await start(tearproof, 'check', 'pair.ts', '--model', 'sc', '--model', 'lkmm', '--memory', '2048')
  t.is(exit, 1, err)
  t.is(out, printed)
  const token = /replay (\S+)\n$/.exec(printed)![1]!
  t.regex((await start(tearproof, 'replay', token)).out, /^✗ pair under lkmm breaks “no torn snapshot”/)
})

test.serial('so does it print of the wrapper', async t => {
  const {exit, out, err} = await start(tearproof, 'check', 'seqlock.ts')
  t.is(exit, 1, err)
  t.is(out, (await examples('')).find(block => block.startsWith('clients of'))!)
})

test.serial('litmus tests are written and judged as README.md says', async t => {
  const [first, second, ...answer] = (await examples('')).find(block => block.startsWith('$ '))!.split('\n')
  const [, cycle, file] = /litmus --generate "(.*)" > (\S+)$/.exec(first!)!
  await writeFile(join(project, file!), (await start(tearproof, 'litmus', '--generate', cycle!)).out)
  t.is(second, `$ npx tearproof litmus --witness ${file}`)
  const timeless = (text: string): string => text.replace(/^(Time .*) [\d.]+$/m, '$1').trimEnd()
  t.is(timeless((await start(tearproof, 'litmus', '--witness', file!)).out), timeless(answer.join('\n')))
  const twice = await start(tearproof, 'litmus', '--jobs', '2', '--json', file!, file!)
  t.is(twice.exit, 0, twice.err)
  t.is(twice.out.match(/"verdict":"Never"/g)?.length, 2)
})

test.serial('list and version know themselves', async t => {
  t.regex((await start(tearproof, 'list')).out, /^ {2}kernel-seqcount /m)
  const {version} = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as {version: string}
  t.is((await start(tearproof, '--version')).out, `${version}\n`)
})
