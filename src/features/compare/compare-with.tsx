import { SelectField } from '../../components/select-field.tsx';
import { type Against, comparableRuns, runName, shownPartner, shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';

/** What the shown result is held against: its input, its first stage, its twin, or any other result of the same picture. */
export function CompareWith() {
  const run = useStudio(shownRun);
  const paired = useStudio((state) => shownPartner(state) !== undefined);
  const runs = useStudio((state) => state.runs);
  const against = useStudio((state) => state.view.against);
  const { show } = useActions();
  if (run === undefined) return null;
  const choices: { value: string; text: string; against: Against | null }[] = [
    { value: 'default', text: paired ? 'Base' : 'Input', against: null },
    ...(paired ? [{ value: 'input', text: 'Input', against: 'input' as const }] : []),
    ...(run.firstStage ? [{ value: 'first-stage', text: 'First stage', against: 'first-stage' as const }] : []),
    ...comparableRuns(runs, run).map((other) => ({ value: other.runId, text: runName(other), against: { runId: other.runId } })),
  ];
  const value = typeof against === 'object' ? (against?.runId ?? 'default') : against;
  return (
    <SelectField
      label="Compare with"
      labelHidden
      value={value}
      options={choices}
      onChange={(chosen) => show({ against: choices.find((choice) => choice.value === chosen)?.against ?? null })}
    />
  );
}
