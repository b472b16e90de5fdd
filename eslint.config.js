import js from '@eslint/js'
import {defineConfig, globalIgnores} from 'eslint/config'
import ts from 'typescript-eslint'

// The folders form layers: harness → primitives → lib; nothing imports test. Across folders there is one door,
// index.ts. The order of the files within a folder is checked by test/layering.ts.
const toFolder = (folder, except = '') => `^\\.\\.?/(?:.*/)?${folder}(?:/${except}|$)`
const never = (folder, message) => ({regex: toFolder(folder), message})
const onlyThroughDoor = folder => ({
  regex: toFolder(folder, '(?!index\\.ts$)'),
  message: `Import from ${folder}/index.ts: across folders there is one door.`,
})
const notByName = {regex: '^tearproof(?:/|$)', message: 'Import relatively: the package name means the build in dist/.'}
const notTest = never('test', 'Nothing imports test/.')

// The clock, chance and the terminal belong to harness/cli.ts and harness/cli/; anything else would make runs differ or mix with output.
const impure = 'Only harness/cli prints, exits or reads the environment and the clock; only a Chooser decides.'
const impureModules = ['process', 'console', 'perf_hooks', 'node:process', 'node:console', 'node:perf_hooks']
const imports = (...patterns) => ['error', {
  paths: impureModules.map(name => ({name, message: impure})),
  patterns: [notByName, ...patterns],
}]
const globals = (...names) => ['error', {
  checkGlobalObject: true,
  globals: names.map(name => ({name, message: impure})),
}]

const namedExports = [
  {selector: 'ExportDefaultDeclaration', message: 'Use a named export.'},
  {selector: 'ExportSpecifier[exported.name="default"]', message: 'Use a named export.'},
  {selector: 'ExportAllDeclaration', message: 'Name what you export.'},
]
const staticImports = [
  {selector: 'ImportExpression', message: 'Import at the top, so that the layering can be checked.'},
  {selector: 'TSImportType', message: 'Use import type, so that the layering can be checked.'},
]

export default defineConfig(
  globalIgnores(['dist/', 'coverage/']),
  {linterOptions: {reportUnusedDisableDirectives: 'error'}},
  js.configs.recommended,
  {
    files: ['**/*.ts'],
    extends: [ts.configs.recommendedTypeChecked],
    languageOptions: {parserOptions: {projectService: true, tsconfigRootDir: import.meta.dirname}},
    rules: {
      'no-restricted-syntax': ['error', ...namedExports],

      // Threads are generators: some only return, many loop until they are told to stop.
      'require-yield': 'off',
      'no-constant-condition': ['error', {checkLoops: 'none'}],

      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': ['error', {
        argsIgnorePattern: '^_',
        varsIgnorePattern: '^_',
        caughtErrorsIgnorePattern: '^_',
        destructuredArrayIgnorePattern: '^_',
        ignoreRestSiblings: true,
      }],
      '@typescript-eslint/unbound-method': ['error', {ignoreStatic: true}],
      '@typescript-eslint/restrict-template-expressions': ['error', {allowNumber: true, allowBoolean: true}],
    },
  },

  {
    files: ['lib/**/*.ts', 'primitives/**/*.ts', 'harness/**/*.ts', 'test/**/*.ts'],
    ignores: ['harness/cli.ts', 'harness/cli/**', 'test/bench/**'],
    rules: {
      'no-restricted-globals': globals('console', 'process', 'performance', 'Date', 'crypto'),
      'no-restricted-properties': ['error', {object: 'Math', property: 'random', message: impure}],
    },
  },
  {
    files: ['lib/**/*.ts'],
    rules: {
      'no-restricted-imports': imports(...['primitives', 'harness'].map(f => never(f, `lib knows nothing of ${f}/.`)), notTest),
      'no-restricted-syntax': ['error', ...namedExports, ...staticImports],
    },
  },
  {
    files: ['primitives/**/*.ts'],
    rules: {
      'no-restricted-imports': imports(onlyThroughDoor('lib'), never('harness', 'primitives knows nothing of harness/.'), notTest),
      'no-restricted-syntax': ['error', ...namedExports, ...staticImports],
    },
  },
  {
    files: ['harness/**/*.ts'],
    rules: {'no-restricted-imports': imports(onlyThroughDoor('lib'), onlyThroughDoor('primitives'), notTest)},
  },
  {
    files: ['harness/cli.ts', 'harness/cli/**/*.ts'],
    rules: {'no-restricted-imports': ['error', {patterns: [notByName, onlyThroughDoor('lib'), onlyThroughDoor('primitives'), notTest]}]},
  },
  {
    // A test may start the command in a process of its own, which takes process.execPath and an environment.
    files: ['test/**/*.ts'],
    ignores: ['test/bench/**'],
    rules: {'no-restricted-globals': globals('console', 'performance', 'Date', 'crypto')},
  },
)
