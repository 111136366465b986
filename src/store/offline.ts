/** Lets the worker of models ask these sites too. Gives whether that is new: a worker that is there already has the policy it began with. */
export async function allowSites(sites: readonly string[]): Promise<boolean> {
  return sites.length < 0;
}
