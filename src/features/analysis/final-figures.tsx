import { useEffect, useState } from 'react';
import type { Judged } from '../../store/actions/compare.ts';
import { shownAfter } from '../../store/state.ts';
import { useActions, useStudio } from '../../store/store.ts';
import styles from './analysis.module.css';

/** How close the results on screen come to the reference, plain enlargement beside them. */
export function FinalFigures() {
  const reference = useStudio((state) => state.reference);
  const shown = useStudio((state) => state.shownRunId);
  const against = useStudio((state) => state.view.against);
  const finished = useStudio((state) => shownAfter(state)?.finished);
  const { judge } = useActions();
  const [judged, setJudged] = useState<readonly Judged[]>([]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: they stand for what is judged
  useEffect(() => {
    let wanted = true;
    void judge().then((found) => wanted && setJudged(found ?? []));
    return () => {
      wanted = false;
    };
  }, [reference, shown, against, finished, judge]);
  if (judged.length === 0) return null;
  return (
    <table className={styles['figures']}>
      <caption>Against the reference (more is closer)</caption>
      <thead>
        <tr>
          <th scope="col">Picture</th>
          <th scope="col">PSNR</th>
          <th scope="col">SSIM</th>
        </tr>
      </thead>
      <tbody>
        {judged.map(({ name, psnr, ssim }) => (
          <tr key={name}>
            <th scope="row">{name}</th>
            <td>{psnr === null ? '–' : Number.isFinite(psnr) ? `${psnr.toFixed(2)} dB` : 'equal'}</td>
            <td>{ssim === null ? '–' : ssim.toFixed(3)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
