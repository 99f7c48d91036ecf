// @ts-check
/** The overview: puts its parts to work. */
import { ask } from './ask.js';
import { startDoors } from './doors.js';
import { startLive } from './live.js';
import { startPicture } from './picture.js';
import { startPublish } from './publish.js';
import { startServices } from './services.js';
import { byId } from './view.js';

// A link with the token was opened by somebody who is in already: the token must not stay in the address bar.
if (location.hash !== '') history.replaceState(null, '', location.pathname);
sessionStorage.setItem('had-session', 'yes');

startPicture();
startDoors();
startPublish();
startServices();
startLive();

byId('leave', HTMLButtonElement).addEventListener('click', async () => {
  sessionStorage.removeItem('had-session');
  await ask('/v1/session', { method: 'DELETE' }).catch(() => {
    // Without an answer the session ends by itself; the reload shows what is the case.
  });
  location.replace('/');
});
