import { Component, type ErrorInfo, type ReactNode } from 'react';
import styles from './app.module.css';

interface ErrorBoundaryState {
  readonly error: Error | null;
}

/** A fault in drawing the page becomes a sentence and a way on, never a blank page. */
export class ErrorBoundary extends Component<{ readonly children: ReactNode }, ErrorBoundaryState> {
  override state: ErrorBoundaryState = { error: null };

  static getDerivedStateFromError(error: Error): ErrorBoundaryState {
    return { error };
  }

  override componentDidCatch(error: Error, info: ErrorInfo): void {
    console.error(error, info.componentStack);
  }

  override render(): ReactNode {
    if (this.state.error === null) return this.props.children;
    return (
      <main className={styles['fault']} role="alert">
        <h1>The page could not be drawn</h1>
        <p>{this.state.error.message}</p>
        <button type="button" onClick={() => window.location.reload()}>
          Reload
        </button>
      </main>
    );
  }
}
