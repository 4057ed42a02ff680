/** The duty officer's console: entry point. */
import { App } from './app';
import { expose } from './debug';
import { SkyApp } from './ui/shell';
import './ui/all';

const app = new App();
expose(app);
for (const root of document.querySelectorAll('sky-app')) {
  if (root instanceof SkyApp) root.start(app);
}
