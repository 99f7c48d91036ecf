// end to end
// time limit: 300 s
import { runRandomKills } from '../support/random-kill-suite.ts';

runRandomKills('each mechanism, hit at a random moment', 1);
