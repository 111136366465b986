import { useMemo, useRef } from 'react';
import { Button } from '../../components/button.tsx';
import { saveFile } from '../../components/save-file.ts';
import { shownPartner, shownRun } from '../../store/state.ts';
import { useStudio } from '../../store/store.ts';
import { shadedWindows } from '../../store/windows.ts';
import styles from './analysis.module.css';
import { Chart } from './chart.tsx';
import { FinalFigures } from './final-figures.tsx';
import { joinCharts } from './join-charts.ts';
import { Mixer } from './mixer.tsx';
import { ReferencePicker } from './reference-picker.tsx';
import { chartsOf, csvOf } from './series.ts';

/** The frequency bands over the steps, measured; and the finished pair's bands, mixed. */
export function AnalysisPanel() {
  const run = useStudio(shownRun);
  const partner = useStudio(shownPartner);
  const step = useStudio((state) => state.view.step);
  const name = useStudio((state) => state.picture.name);
  const trained = useStudio((state) => state.manifests[partner?.bundleId ?? run?.bundleId ?? '']?.windows);
  const lanes = useMemo(() => [run, partner].filter((lane) => lane !== undefined), [run, partner]);
  const charts = useMemo(() => chartsOf(lanes), [lanes]);
  const windows = useMemo(() => shadedWindows(trained, run?.count ?? 0), [trained, run?.count]);
  const canvases = useRef(new Map<string, HTMLCanvasElement>());
  if (run === undefined || charts.length === 0) {
    return (
      <p className={styles['hint']}>How strong each frequency band is at every step, and how much it changes, appears here with a run.</p>
    );
  }
  const stem = name.replace(/\.[^.]*$/, '') || 'picture';
  const savePng = async (): Promise<void> => {
    const drawn = charts.flatMap(({ title }) => {
      const canvas = canvases.current.get(title);
      return canvas === undefined ? [] : [{ title, canvas }];
    });
    saveFile(await joinCharts(drawn), `${stem}-bands.png`);
  };
  return (
    <div className={styles['panel']}>
      {partner?.finished != null && <Mixer />}
      {charts.map((data) => (
        <Chart
          key={data.title}
          data={data}
          windows={windows}
          current={(step ?? run.steps.length - 1) + 1}
          canvas={(canvas) => {
            if (canvas === null) canvases.current.delete(data.title);
            else canvases.current.set(data.title, canvas);
          }}
        />
      ))}
      {windows.length > 0 && (
        <p className={styles['hint']}>
          Shaded: the steps RFSR was fine-tuned in, <span className={styles['low']}>early ones</span> for structure,{' '}
          <span className={styles['high']}>late ones</span> for rewards.
        </p>
      )}
      <ReferencePicker />
      <FinalFigures />
      <div className={styles['row']}>
        <Button onPress={() => saveFile(new Blob([csvOf(lanes, charts)], { type: 'text/csv' }), `${stem}-bands.csv`)}>Save CSV</Button>
        <Button onPress={() => void savePng()}>Save PNG</Button>
      </div>
    </div>
  );
}
