// The Mail Console's page begins here.
import { render } from 'preact';
import { App } from './app';
import { startKnowing } from './live/known';
import { startLive } from './live/live';
import { startTheme } from './parts/theme';
import { startTitle } from './title';

startTheme();
// First of all: what is asked for after the feed was joined has no hole.
startLive();
startKnowing();
startTitle();

const place = document.getElementById('console');
if (place) render(<App />, place);
