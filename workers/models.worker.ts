import { expose } from 'comlink';
import { StudioError } from '../src/protocol/errors.ts';
import { MODELS_CHANNEL } from '../src/protocol/models-api.ts';
import { Library } from './model-store/library.ts';
import { ModelShelf } from './model-store/shelf.ts';
import { LIVING, modelsFolder, withWireFailures } from './transfer.ts';

const changes = new BroadcastChannel(MODELS_CHANNEL);

/** What is loaded here is loaded to be kept: memory would not hold a large model. */
function refuse(cause: unknown): never {
  if (cause instanceof DOMException && cause.name === 'QuotaExceededError') {
    const message = 'The browser has no more room for model files; what came stays. Delete a model, or free space on the disk, and go on.';
    throw new StudioError('storage-full', message, { cause });
  }
  throw new StudioError('storage-denied', 'The browser keeps nothing for this page, so no model can be kept: allow site data.', { cause });
}

const shelf = new ModelShelf(new Library(modelsFolder(import.meta.url), refuse), () => changes.postMessage(null));

expose(withWireFailures(Object.assign(shelf, LIVING)));
