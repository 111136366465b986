import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app/app.tsx';
import { ErrorBoundary } from './app/error-boundary.tsx';
import './app/tokens.css';
import { createWorkbench, WorkbenchContext } from './store/store.ts';
import { createClients } from './worker-client/clients.ts';

const root = document.getElementById('root');
if (root === null) throw new TypeError('expected an element #root in the page');

const workbench = createWorkbench(createClients());
createRoot(root).render(
  <StrictMode>
    <WorkbenchContext value={workbench}>
      <ErrorBoundary>
        <App />
      </ErrorBoundary>
    </WorkbenchContext>
  </StrictMode>,
);
// the first paint does not wait for the device's inspection
requestAnimationFrame(() =>
  setTimeout(async () => {
    await workbench.actions.start(window.location.search);
    await workbench.actions.startOffline(window.location.search);
  }),
);
