import { Button } from '../../components/button.tsx';
import { shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';

/** Saves the shown result as PNG. */
export function DownloadButton() {
  const done = useStudio((state) => shownRun(state)?.finished != null);
  const { download } = useActions();
  if (!done) return null;
  const save = async (): Promise<void> => {
    const file = await download();
    if (file === null) return;
    const link = document.createElement('a');
    link.href = URL.createObjectURL(file.blob);
    link.download = file.name;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return <Button onPress={() => void save()}>Download</Button>;
}
