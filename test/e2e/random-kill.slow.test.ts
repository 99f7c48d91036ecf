// end to end
// time limit: 1800 s
import { runRandomKills } from '../support/random-kill-suite.ts';

runRandomKills('each mechanism, hit at 8 random moments', 8);
