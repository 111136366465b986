import { shownPartner, shownRun } from '../../store/state.ts';
import { useStudio } from '../../store/store.ts';
import styles from './info-panel.module.css';

/** What made the shown result, and where its time went. */
export function InfoPanel() {
  const run = useStudio(shownRun);
  const partner = useStudio(shownPartner);
  const source = useStudio((state) => state.picture.source);
  const finished = run?.finished ?? null;
  if (run === undefined || finished === null) return <p className={styles['hint']}>Timings and the recipe of a result appear here.</p>;
  const { recipe, timings, graphSeconds } = finished;
  const total = timings.reduce((sum, { seconds }) => sum + seconds, 0);
  return (
    <div className={styles['panel']}>
      <dl className={styles['list']}>
        <dt>Model</dt>
        <dd>{recipe.bundleTitle}</dd>
        {partner !== undefined && (
          <>
            <dt>With</dt>
            <dd>{partner.bundleTitle}, on the same noise</dd>
          </>
        )}
        <dt>Size</dt>
        <dd>
          {run.width} × {run.height}
        </dd>
        {source !== null && (
          <>
            <dt>Source</dt>
            <dd>
              {source.format.toUpperCase()}, {source.depth} bits, {source.profile ?? 'no colour profile'}
            </dd>
          </>
        )}
        <dt>Backend</dt>
        <dd>{recipe.backend}</dd>
        <dt>Steps</dt>
        <dd>
          {recipe.stoppedAfter === null ? recipe.steps : `stopped after ${recipe.stoppedAfter} of ${recipe.steps}`},{' '}
          {recipe.sampler.toUpperCase()}
        </dd>
        <dt>Guidance</dt>
        <dd>{recipe.guidance}</dd>
        <dt>Seed</dt>
        <dd>{recipe.seed}</dd>
        <dt>Prompt</dt>
        <dd>{recipe.positiveText}</dd>
      </dl>
      <h3 className={styles['heading']}>
        {total.toFixed(1)} s, of which {((graphSeconds / total) * 100).toFixed(0)} % inside the model
      </h3>
      <ul className={styles['bars']}>
        {timings.map(({ stage, seconds }) => (
          <li key={stage}>
            <span>{stage}</span>
            <meter min={0} max={total} value={seconds} aria-label={`Seconds for ${stage}`} />
            <span>{seconds.toFixed(2)} s</span>
          </li>
        ))}
      </ul>
    </div>
  );
}
