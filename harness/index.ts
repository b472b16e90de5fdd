/** The harness's door, and the package's. The macros for ava have their own: `tearproof/ava`. */
export {designs} from './designs.ts'
export {type Design, type Expectation, type Expected, type HeapCase, type Stated} from './design.ts'
export {
  again, BadProgram, defaultSearch, differs, evaluate, evaluateOne, outcomeOf, redundantOf,
  type Allowance, type Broken, type Budgets, type Progress, type Redundant, type Row, type Search, type Subject,
} from './evaluate.ts'
export {type AnyProgram, type Operation, operationsOf} from './operations.ts'
export {
  recordExecution, recordOf, recordVersion,
  type RecordedEvent, type RecordedExecution, type RecordedRow, type RecordedScalar, type RecordedViolation, type RunRecord,
} from './record.ts'
export {failureReport, noPaint, showUnknown, showValue, type Failing, type Paint, type ReportOptions} from './report.ts'
export {casesOf, defaultSetting, expectedIn, hasHeap, settingsOf, showSettings, type Setting, type Wanted} from './setting.ts'
export {settingsLine, showExpectation, summaryTable, verdictLines, type SummaryOptions} from './summary.ts'
export {userSites, type Sites} from './sites.ts'
export {drawTimeline, timeline, type Drawing, type Row as TimelineRow, type Source, type Timeline} from './timeline.ts'
export {
  BadToken, defaultBound, fileOfProgram, parseToken, printPath, printToken, programInFile, shortName,
  type Pointer, type Token,
} from './token.ts'
export {why, type Missing, type Spelling, type Why} from './why.ts'
export {
  arcOf, arcWords, boxOf, boxWords, callClosure, clonePayload, dropArc, dropBox, dropPayload, leakClaim, loadWords, MisfitBody, pointerOf, stateOf, storeWords,
  wordsOf, wrapper,
  type Body, type Call, type Surroundings, type Wrapper, type WrapperDefinition, type WrapperExpectation,
} from './wrapper/wrapper.ts'
export {borrowed, err, none, ok, owner, panic, payloadValue, some, structValue, unitValue, type Address, type RustValue} from './wrapper/value.ts'
export {type PayloadWords} from './wrapper/payload.ts'
export {RustError} from './rust/source.ts'
export {catalogue} from './wrappers/index.ts'
export {checkDepth, deepDepth, smallDepth, type Depth} from './wrapper/depth.ts'
export {
  evaluateWrapper, hasRun, isUnexpected, isUnknown, modelsFor, tokenOf, wrapperOutcome,
  type Breakage, type Shown, type WrapperRow,
} from './wrapper/evaluate.ts'
export {soundness, type ClientBudget, type Counterexample, type Soundness, type Telling} from './wrapper/soundness.ts'
export {clientReport} from './wrapper/report.ts'
export {type ClientRun} from './wrapper/story.ts'
export {clientRun, clientShowcase} from './wrapper/showcase.ts'
export {depthLine, wrapperLines, wrapperTable} from './wrapper/table.ts'
export {recordSpectrum, recordWrappers, type RecordedClient, type RecordedStanding, type RecordedWrapper} from './wrapper/record.ts'
export {evaluateSpectrum, placeOf, spectrumOutcome, type Standing} from './wrapper/spectrum.ts'
export {ablate, type Ablation} from './wrapper/ablate.ts'
export {spectrumLines, spectrumTable} from './wrapper/spectrum-table.ts'
