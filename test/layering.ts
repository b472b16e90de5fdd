import {readdirSync, readFileSync} from 'node:fs'
import {dirname, relative, resolve} from 'node:path'
import {fileURLToPath} from 'node:url'
import test from 'ava'
import ts from 'typescript'

const root = fileURLToPath(new URL('..', import.meta.url))
const folders = ['lib', 'primitives', 'harness'] as const

/** The project's own files, as paths from the root. */
const files: readonly string[] = folders.flatMap(folder =>
  readdirSync(resolve(root, folder), {recursive: true, encoding: 'utf8'}).filter(name => name.endsWith('.ts')).map(name => `${folder}/${name}`))

const sources = new Map(files.map(file => [file, ts.createSourceFile(file, readFileSync(resolve(root, file), 'utf8'), ts.ScriptTarget.Latest, true)]))

function visit(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node)
  ts.forEachChild(node, child => visit(child, see))
}

/** What a file imports or re-exports, types too: paths from the root for its own, names for packages. */
function importsOf(file: string): readonly string[] {
  const found: string[] = []
  visit(sources.get(file)!, node => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push(node.moduleSpecifier.text)
    }
  })
  return found.map(name => name.startsWith('.') ? relative(root, resolve(root, dirname(file), name)) : name)
}

/** The first folder of a path. */
function folderOf(file: string): string {
  return file.split('/')[0]!
}

/** `file → what it imports`, for the imports of a folder that are not allowed. */
function offences(folder: string, allowed: (imported: string) => boolean): readonly string[] {
  return files.filter(file => folderOf(file) === folder)
    .flatMap(file => importsOf(file)
      .filter(imported => [...folders, 'test'].includes(folderOf(imported)) && !allowed(imported))
      .map(imported => `${file} → ${imported}`))
}

test('lib imports neither primitives nor harness nor tests', t => {
  t.deepEqual(offences('lib', imported => folderOf(imported) === 'lib'), [])
})

test('primitives know lib by its door alone', t => {
  t.deepEqual(offences('primitives', imported => folderOf(imported) === 'primitives' || imported === 'lib/index.ts'), [])
})

test('harness knows lib and primitives by their doors alone', t => {
  t.deepEqual(offences('harness', imported => folderOf(imported) === 'harness' || ['lib/index.ts', 'primitives/index.ts'].includes(imported)), [])
})

test('no file imports itself, however far around', t => {
  t.deepEqual(cycles(), [])
})

/** Every import cycle, once, beginning with its first file. */
function cycles(): readonly string[] {
  const found = new Set<string>()
  const done = new Set<string>()
  const walk = (file: string, above: readonly string[]): void => {
    const at = above.indexOf(file)
    if (at >= 0) found.add([...above.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    for (const imported of importsOf(file)) if (sources.has(imported)) walk(imported, [...above, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  return [...found]
}

test('a folder’s door is a list of named exports and nothing else', t => {
  for (const folder of folders) {
    const door = sources.get(`${folder}/index.ts`)!
    t.true(door.statements.every(statement => ts.isExportDeclaration(statement) && statement.exportClause !== undefined), folder)
  }
})

test('lib has one door; behind it, models are a list', t => {
  const doors = files.filter(file => folderOf(file) === 'lib' && file.endsWith('/index.ts'))
  t.deepEqual(doors.sort(), ['lib/index.ts', 'lib/models/index.ts'])
})

/** What prints, tells the time, throws dice or ends the process. */
const impure = new Set(['console', 'Date', 'performance', 'setTimeout', 'setInterval', 'setImmediate', 'crypto'])
const impureProperties: Readonly<Record<string, readonly string[] | 'all'>> = {process: 'all', Math: ['random']}

/** Where a file does what only the command may do. */
function impurities(file: string): readonly string[] {
  const source = sources.get(file)!
  const found: string[] = []
  visit(source, node => {
    if (!ts.isIdentifier(node) || isOnlyAName(node)) return
    const properties = impureProperties[node.text]
    const property = ts.isPropertyAccessExpression(node.parent) ? node.parent.name.text : ''
    if (impure.has(node.text) || properties === 'all' || properties?.includes(property)) {
      found.push(`${file}:${source.getLineAndCharacterOfPosition(node.getStart()).line + 1} ${node.parent.getText()}`)
    }
  })
  return found
}

/** A property, a member or a declared name, not the global of that name. */
function isOnlyAName(node: ts.Identifier): boolean {
  const {parent} = node
  return (ts.isPropertyAccessExpression(parent) && parent.name === node)
    || ((ts.isPropertyAssignment(parent) || ts.isPropertySignature(parent) || ts.isPropertyDeclaration(parent) || ts.isMethodDeclaration(parent)) && parent.name === node)
}

test('nothing in lib and primitives prints, reads the clock or the environment, or draws lots', t => {
  t.deepEqual(files.filter(file => folderOf(file) !== 'harness').flatMap(impurities), [])
})

test('in harness only the command does, and the macros for ava read their environment variables', t => {
  const found = files.filter(file => folderOf(file) === 'harness' && !/^harness\/cli[./]/.test(file)).flatMap(impurities)
  t.deepEqual(found.filter(text => !/^harness\/ava\.ts:\d+ process\.env$/.test(text)), [])
})

test('the engine depends on no package but the source of its randomness', t => {
  const engine = files.filter(file => folderOf(file) === 'lib' && !file.startsWith('lib/litmus/'))
  const packages = engine.flatMap(importsOf).filter(name => !sources.has(name))
  t.deepEqual([...new Set(packages)].sort(), ['node:module', 'seedrandom']) // node:module loads the other
})
