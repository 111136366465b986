import { SelectField } from '../../components/select-field.tsx';
import { comparableRuns } from '../../store/compared.ts';
import { type Against, shownAfter, shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { useRunNames } from '../../store/use-run-names.ts';

/** What the shown result is held against: its input, plain enlargement, its first stage, the reference, or any other result of the same picture. */
export function CompareWith() {
  const run = useStudio(shownAfter);
  const lead = useStudio(shownRun);
  const runs = useStudio((state) => state.runs);
  const against = useStudio((state) => state.view.against);
  const reference = useStudio((state) => state.reference !== null);
  const names = useRunNames();
  const { holdAgainst } = useActions();
  if (run === undefined || lead === undefined) return null;
  const overBase = lead !== run;
  const choices: { value: string; text: string; against: Against | null }[] = [
    ...(overBase ? [{ value: 'base', text: 'Base', against: null }] : []),
    { value: 'input', text: 'Input', against: overBase ? 'input' : null },
    { value: 'bicubic', text: 'Bicubic', against: 'bicubic' },
    ...(reference ? [{ value: 'reference', text: 'Reference', against: 'reference' as const }] : []),
    ...(lead.firstStage ? [{ value: 'first-stage', text: 'First stage', against: 'first-stage' as const }] : []),
    ...comparableRuns(runs, run)
      .filter((other) => other !== lead)
      .map((other) => ({ value: other.runId, text: names.get(other.runId) ?? other.bundleTitle, against: { runId: other.runId } })),
  ];
  const value = typeof against === 'object' ? (against?.runId ?? (overBase ? 'base' : 'input')) : against;
  return (
    <SelectField
      label="Compare with"
      labelHidden
      value={value}
      options={choices}
      onChange={(chosen) => void holdAgainst(choices.find((choice) => choice.value === chosen)?.against ?? null)}
    />
  );
}
