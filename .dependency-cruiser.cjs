/** The one direction of imports; see ARCHITECTURE.md. */
const forbid = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to });

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    forbid('core-is-alone', '^src/core', { pathNot: '^src/core' }),
    forbid('protocol-is-alone', '^src/protocol', { pathNot: '^src/protocol' }),
    forbid('sessions-and-files-use-core-and-protocol', '^workers/(sessions|model-store)', {
      pathNot: '^(workers/(sessions|model-store)|src/(core|protocol)|node_modules)',
    }),
    forbid('pipelines-do-not-touch-storage', '^workers/pipelines', { path: '^workers/(model-store|engine|[a-z]+\\.worker)' }),
    forbid('only-ort-imports-onnxruntime-web', '^(?!workers/sessions/ort\\.ts)', { path: 'onnxruntime-web' }),
    forbid('only-cli-imports-onnxruntime-node', '^(?!cli/)', { path: 'onnxruntime-node' }),
    forbid('workers-do-not-know-the-page', '^workers', { path: '^src/(app|features|components|store|worker-client)' }),
    forbid('store-does-not-know-features', '^src/store', { path: '^(src/(features|app|components)|workers)' }),
    forbid('features-are-strangers', '^src/features/([^/]+)/', { path: '^src/features/', pathNot: '^src/features/$1/' }),
    forbid('features-do-not-call-workers', '^src/(features|components)', { path: '^(workers|src/worker-client|node_modules/comlink)' }),
    forbid('components-know-nothing', '^src/components', { path: '^src/(app|features|store|worker-client|protocol)' }),
    forbid('client-uses-types-of-workers-only', '^src/worker-client', { path: '^workers', dependencyTypesNot: ['type-only'] }),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\?url' },
  },
};
