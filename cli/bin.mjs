#!/usr/bin/env node
// The command as packages name it: plain Node, which reads TypeScript through tsx.
import { register } from 'tsx/esm/api';

register();
await import('./bin.ts');
