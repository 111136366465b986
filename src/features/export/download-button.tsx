import { useState } from 'react';
import { Menu, MenuItem, MenuTrigger, Popover } from 'react-aria-components';
import { Button } from '../../components/button.tsx';
import { saveFile } from '../../components/save-file.ts';
import type { ResultName } from '../../store/actions/save.ts';
import { shownPartner, shownRun } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import { BackgroundDialog } from './background-dialog.tsx';
import styles from './download-button.module.css';
import { SaveOptionsButton } from './save-options-button.tsx';

/** Saves the shown result, once there is one, as the button beside it says; of a pair the one chosen, or their mix. */
export function DownloadButton() {
  const opened = useStudio((state) => state.picture.status === 'ready');
  const done = useStudio((state) => shownRun(state)?.finished != null);
  const paired = useStudio((state) => shownPartner(state)?.finished != null);
  const running = useStudio((state) => state.progress !== null);
  const mixing = useStudio((state) => state.view.mix !== null);
  const { download, asksBackground, changeSaving } = useActions();
  const [asking, setAsking] = useState<ResultName | null>(null);
  if (!opened) return null;
  const write = async (which: ResultName): Promise<void> => {
    const file = await download(which);
    if (file !== null) saveFile(file.blob, file.name);
  };
  const save = (which: ResultName): void => {
    if (asksBackground(which)) setAsking(which);
    else void write(which);
  };
  return (
    <div className={styles['split']}>
      {done && paired && (
        <MenuTrigger>
          <Button kind="primary" opensMenu>
            Download ▾
          </Button>
          <Popover className={styles['popover'] ?? ''}>
            <Menu className={styles['menu'] ?? ''} aria-label="Which picture" onAction={(key) => save(key as ResultName)}>
              <MenuItem id="result" className={styles['item'] ?? ''}>
                Base result
              </MenuItem>
              <MenuItem id="rfsr" className={styles['item'] ?? ''}>
                RFSR result
              </MenuItem>
              {mixing && (
                <MenuItem id="mix" className={styles['item'] ?? ''}>
                  Mix
                </MenuItem>
              )}
            </Menu>
          </Popover>
        </MenuTrigger>
      )}
      {done && !paired && (
        <Button kind="primary" onPress={() => save('result')}>
          Download
        </Button>
      )}
      {(done || !running) && <SaveOptionsButton />}
      {asking !== null && (
        <BackgroundDialog
          onClose={() => setAsking(null)}
          onChosen={(background) => {
            changeSaving({ background });
            setAsking(null);
            void write(asking);
          }}
        />
      )}
    </div>
  );
}
