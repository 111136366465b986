import { StudioError } from './errors.ts';

/** Where most published models are. */
export const HUGGING_FACE = 'https://huggingface.co';

const REPOSITORY = /^\/([^/]+)\/([^/]+)(?:\/(?:tree|blob|resolve)\/([^/]+)(\/.*)?|(\/.*)?)$/;
const LOCAL = /^(localhost|127\.0\.0\.1|\[::1\])$/;

/**
 * The address of the folder that a person means: of any static site, or of a Hugging Face repository, its page or `owner/name`, there by way of
 * `mirror` where one is set (another site with the same layout). Throws StudioError `option-invalid` with what would be right.
 */
export function modelFolder(typed: string, mirror: string | null): URL {
  const text = typed.trim();
  // an owner has no dot in it, the name of a site has one
  const whole = /^[\w-]+\/[\w.-]+(\/|$)/.test(text) ? `${HUGGING_FACE}/${text}` : /^[a-z]+:/i.test(text) ? text : `https://${text}`;
  const url = parsed(whole, typed);
  const folder = url.origin === HUGGING_FACE ? repositoryFolder(url, typed) : url.pathname;
  const place = url.origin === HUGGING_FACE && mirror !== null ? siteOf(mirror) : url.origin;
  return new URL(`${place}${folder.replace(/(manifest|index)\.json$/, '').replace(/\/*$/, '/')}`);
}

/** The site that an address names. Throws as `modelFolder`. */
export function siteOf(typed: string): string {
  return parsed(/^[a-z]+:/i.test(typed.trim()) ? typed.trim() : `https://${typed.trim()}`, typed).origin;
}

/** The sites that files of a folder may come from: large files of Hugging Face, and of its mirrors, are on others. */
export function sitesFor(folder: URL): readonly string[] {
  const files = folder.pathname.includes('/resolve/') ? ['https://*.hf.co', 'https://*.huggingface.co'] : [];
  return [folder.origin, ...files];
}

function repositoryFolder(url: URL, typed: string): string {
  const [, owner, name, revision = 'main', inTree, inShort] = REPOSITORY.exec(url.pathname) ?? [];
  if (owner === undefined || name === undefined) throw invalid(typed);
  return `/${owner}/${name}/resolve/${revision}${inTree ?? inShort ?? ''}`;
}

function parsed(text: string, typed: string): URL {
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw invalid(typed);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOCAL.test(url.hostname))) throw invalid(typed);
  return url;
}

function invalid(typed: string): StudioError {
  const message = `“${typed.trim()}” is no address of a model: expected https://… of its folder, or owner/name of a Hugging Face repository.`;
  return new StudioError('option-invalid', message);
}
